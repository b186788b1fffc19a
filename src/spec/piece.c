/*
 * piece.c
 *		Writes and reads what the query of a piece of a release says; the format is in piece.h.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "nodes/value.h"
#include "utils/builtins.h"

#include "core/compat.h"
#include "core/errors.h"
#include "spec/piece.h"

#define PIECE_MAGIC 0x44507063
#define PIECE_VERSION 1
#define SERVER_VERSION (PG_VERSION_NUM / 10000)

/* The head as a bytea in the current memory context. */
bytea *
piece_head_write(const PieceHead *head)
{
	const struct varlena *description = (const struct varlena *) DatumGetPointer(head->description);
	StringInfoData bytes;
	ListCell   *lc;

	pq_begintypsend(&bytes);
	pq_sendint32(&bytes, PIECE_MAGIC);
	pq_sendint16(&bytes, PIECE_VERSION);
	pq_sendint16(&bytes, SERVER_VERSION);
	pq_sendint64(&bytes, head->secret);
	pq_sendint16(&bytes, (uint16) head->nunits);
	pq_sendint8(&bytes, head->alone ? 1 : 0);
	pq_sendint16(&bytes, (uint16) (list_length(head->settings) / 2));
	foreach(lc, head->settings)
		pq_sendbytes(&bytes, strVal(lfirst(lc)), (int) strlen(strVal(lfirst(lc))) + 1);
	pq_sendbytes(&bytes, VARDATA_ANY(description), (int) VARSIZE_ANY_EXHDR(description));
	return pq_endtypsend(&bytes);
}

/* A text that ends with a zero. */
static char *
read_text(StringInfo bytes)
{
	const char *text = bytes->data + bytes->cursor;
	int			length = (int) strnlen(text, bytes->len - bytes->cursor);

	if (length == bytes->len - bytes->cursor)
		malformed("piece of a release");
	bytes->cursor += length + 1;
	return pnstrdup(text, length);
}

/*
 * Reads a head, of which the parts lie in the current memory context.  ERRCODE_DP_QUERY_REFUSED if it comes from
 * another version of PostgreSQL or dp_agg; elog if it is none.
 */
void
piece_head_read(PieceHead *head, Datum datum)
{
	struct varlena *plain = PG_DETOAST_DATUM_PACKED(datum);
	StringInfoData bytes = {.data = VARDATA_ANY(plain),.len = (int) VARSIZE_ANY_EXHDR(plain)};
	int			version;
	int			server;
	int			nsettings;

	if (pq_getmsgint(&bytes, 4) != PIECE_MAGIC)
		malformed("piece of a release");
	version = pq_getmsgint(&bytes, 2);
	server = pq_getmsgint(&bytes, 2);
	if (version != PIECE_VERSION || server != SERVER_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_DP_QUERY_REFUSED),
				 errmsg("the machines of the cluster have different versions of dp_agg or PostgreSQL"),
				 errhint("Install the same versions on all of them.")));
	head->secret = pq_getmsgint64(&bytes);
	head->nunits = pq_getmsgint(&bytes, 2);
	head->alone = pq_getmsgbyte(&bytes) != 0;
	if (head->nunits > MaxTupleAttributeNumber)
		malformed("piece of a release");
	nsettings = pq_getmsgint(&bytes, 2);
	head->settings = NIL;
	for (int i = 0; i < 2 * nsettings; i++)
		head->settings = lappend(head->settings, makeString(read_text(&bytes)));
	head->description = PointerGetDatum(cstring_to_text_with_len(bytes.data + bytes.cursor,
																 bytes.len - bytes.cursor));
}
