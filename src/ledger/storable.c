/*
 * storable.c
 *		Texts that the ledger can store, hash and hand out.
 *
 * Entries are hashed and exported in UTF-8.  Not every text can be written in it: names of
 * roles are shared by all databases and are bytes of whatever encoding they were created in,
 * and some encodings have letters that no conversion knows.  One such text in what waits for
 * the chain would keep everybody from being charged.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"

#include "ledger/storable.h"

/* Most bytes that a byte of another encoding becomes in UTF-8, and a zero byte. */
#define UTF8_SIZE(length) ((length) * MAX_CONVERSION_GROWTH + 1)

/* ledger_is_storable: can the text, of "length" bytes, be written in UTF-8? */
bool
ledger_is_storable(const char *text, int length)
{
	int			encoding = GetDatabaseEncoding();
	char	   *utf8;
	Oid			conversion;
	bool		whole;

	if (encoding == PG_SQL_ASCII || encoding == PG_UTF8)
		return pg_verify_mbstr(encoding, text, length, true);
	conversion = FindDefaultConversionProc(encoding, PG_UTF8);
	if (length == 0 || !OidIsValid(conversion))
		return length == 0;
	utf8 = palloc(UTF8_SIZE(length));
	whole = pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8, unconstify(unsigned char *, (const unsigned char *) text),
										  length, (unsigned char *) utf8, UTF8_SIZE(length), true) == length;
	pfree(utf8);
	return whole;
}

/*
 * ledger_storable
 *		A copy of the text, of "length" bytes, with "?" for each byte outside of ASCII if it
 *		cannot be written in UTF-8.
 */
char *
ledger_storable(const char *text, int length)
{
	char	   *copy = pnstrdup(text, length);

	if (ledger_is_storable(text, length))
		return copy;
	for (char *c = copy; *c != '\0'; c++)
	{
		if (IS_HIGHBIT_SET(*c))
			*c = '?';
	}
	return copy;
}
