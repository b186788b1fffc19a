/*
 * chain.c
 *		The hash of an entry of the ledger: SHA-256 over its canonical bytes.
 *
 * The canonical bytes, format 1:
 *
 *		"dp_agg ledger 1", a zero byte, the name of the table, a zero byte,
 *
 * and then, for each column that is not NULL, in the order of the table, but for "hash"
 * itself: the length of its name, its name, the length of its value, its value.  Lengths
 * are in bytes, 32 bits, most significant first.  Values are texts in UTF-8 (in a database
 * of encoding SQL_ASCII: the bytes as they are):
 *
 * - integers and OIDs as decimal digits, "-" before a negative one;
 * - booleans as "true" and "false";
 * - timestamps as microseconds since 1970-01-01 00:00 UTC, in decimal digits;
 * - bytea as hexadecimal digits in lower case;
 * - text and names as they are.
 *
 * "prev_hash", the hash of the entry before, is a column like the others; that is what makes
 * a chain.  A column that is NULL is left out, so that a later version can add columns
 * without changing the hashes of entries that there are.  Nothing in the bytes depends on the
 * machine, on OIDs of tables or on where a row is stored: dump and restore, pg_upgrade and
 * logical copies keep them.  tools/dp_agg_verify_ledger computes the same from a COPY.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "ledger/chain.h"
#include "core/digest.h"

#define FORMAT "dp_agg ledger 1"

/* chain_read_hash: is the value a bytea of the size of a hash?  Copies it to hash if so. */
bool
chain_read_hash(Datum value, bool isnull, uint8 *hash)
{
	bytea	   *bytes;

	if (isnull)
		return false;
	bytes = DatumGetByteaPP(value);
	if (VARSIZE_ANY_EXHDR(bytes) != CHAIN_HASH_SIZE)
		return false;
	memcpy(hash, VARDATA_ANY(bytes), CHAIN_HASH_SIZE);
	return true;
}

/* Appends a length and that many bytes. */
static void
add_counted(StringInfo bytes, const char *data, Size length)
{
	uint32		prefix = pg_hton32((uint32) length);

	appendBinaryStringInfo(bytes, (char *) &prefix, sizeof(prefix));
	appendBinaryStringInfo(bytes, data, (int) length);
}

/* Appends an integer as decimal digits. */
static void
add_integer(StringInfo bytes, int64 value)
{
	char		digits[MAXINT8LEN + 1];

	add_counted(bytes, digits, pg_lltoa(value, digits));
}

/* Appends a text, in UTF-8. */
static void
add_text(StringInfo bytes, const char *data, int length)
{
	char	   *utf8;

	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
	{
		add_counted(bytes, data, length);
		return;
	}
	utf8 = pg_server_to_any(data, length, PG_UTF8);
	add_counted(bytes, utf8, utf8 == data ? (Size) length : strlen(utf8));
	if (utf8 != data)
		pfree(utf8);
}

/* Appends bytes as hexadecimal digits. */
static void
add_hex(StringInfo bytes, bytea *value)
{
	int			length = VARSIZE_ANY_EXHDR(value);
	uint32		prefix = pg_hton32((uint32) length * 2);

	appendBinaryStringInfo(bytes, (char *) &prefix, sizeof(prefix));
	enlargeStringInfo(bytes, length * 2 + 1);
	bytes->len += hex_encode(VARDATA_ANY(value), length, bytes->data + bytes->len);
}

/* Appends a text or bytea, which may be compressed or stored elsewhere. */
static void
add_varlena(StringInfo bytes, Datum value, bool hex)
{
	struct varlena *stored = (struct varlena *) DatumGetPointer(value);
	struct varlena *whole = pg_detoast_datum_packed(stored);

	if (hex)
		add_hex(bytes, whole);
	else
		add_text(bytes, VARDATA_ANY(whole), VARSIZE_ANY_EXHDR(whole));
	if (whole != stored)
		pfree(whole);
}

/* Appends the value of a column; elog for a type that entries do not have. */
static void
add_value(StringInfo bytes, Oid type, Datum value)
{
	const uint64 epoch_shift = ((uint64) POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;

	switch (type)
	{
		case INT8OID:
			add_integer(bytes, DatumGetInt64(value));
			break;
		case OIDOID:
			add_integer(bytes, DatumGetObjectId(value));
			break;
		case BOOLOID:
			add_text(bytes, DatumGetBool(value) ? "true" : "false", DatumGetBool(value) ? 4 : 5);
			break;
		case TIMESTAMPTZOID:
			/* unsigned, since a time that somebody has written may be infinite */
			add_integer(bytes, (int64) ((uint64) DatumGetTimestampTz(value) + epoch_shift));
			break;
		case NAMEOID:
			add_text(bytes, NameStr(*DatumGetName(value)), strlen(NameStr(*DatumGetName(value))));
			break;
		case TEXTOID:
		case BYTEAOID:
			add_varlena(bytes, value, type == BYTEAOID);
			break;
		default:
			elog(ERROR, "entries of the ledger have no columns of type %u", type);
	}
}

/*
 * chain_hash
 *		The hash of an entry, CHAIN_HASH_SIZE bytes, which its column "hash" has or gets.
 *
 * kind is the name of its table; bytes is a buffer, what is in it is lost.  Raises
 * ERRCODE_DP_LEDGER if OpenSSL fails.
 */
void
chain_hash(StringInfo bytes, const char *kind, TupleDesc desc, const Datum *values,
		   const bool *nulls, uint8 *hash)
{
	resetStringInfo(bytes);
	appendBinaryStringInfo(bytes, FORMAT, sizeof(FORMAT));
	appendBinaryStringInfo(bytes, kind, strlen(kind) + 1);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped || nulls[i] || strcmp(NameStr(attribute->attname), "hash") == 0)
			continue;
		add_counted(bytes, NameStr(attribute->attname), strlen(NameStr(attribute->attname)));
		add_value(bytes, attribute->atttypid, values[i]);
	}
	sha256_of(bytes->data, bytes->len, hash);
}
