/*
 * message.c
 *		The form in which a request travels to the worker: its payload.
 *
 * A payload is a fixed head, the prices per population, the items, the reads of raw
 * rows, and the text of the query, which gets the room that is left and is cut off to fit.
 * Strings end in a zero byte; numbers lie unaligned.  Both ends are processes of one
 * server, so structs are copied as they are.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "accounting/concentrated.h"
#include "accounting/units.h"
#include "core/errors.h"
#include "core/digest.h"
#include "ledger/message.h"
#include "ledger/protocol.h"
#include "ledger/storable.h"
#include "mechanism/status.h"
#include "tier/grade.h"

/* What every payload begins with; the fields are those of LedgerMessage. */
typedef struct MessageHead
{
	NameData	session_name;
	NameData	current_name;
	uint8		fingerprint[SHA256_SIZE];
	int32		nprices;
	int32		nitems;
	int32		nreads;
	int32		nkeeps;			/* 0 or 1 */
} MessageHead;

/* The bytes of a payload that are still to be read. */
typedef struct Reader
{
	const char *next;
	const char *end;
} Reader;

/*
 * Adds an item to the price of its population, which may be new to the list.  An answer that is handed
 * out again adds nothing but that an account is required.  Raises
 * ERRCODE_INVALID_PARAMETER_VALUE for an item without a price, and
 * ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE for a sum that overflows.
 */
static List *
add_price(List *prices, const LedgerItem *item)
{
	LedgerPrice *price = NULL;
	int64		rho;
	ListCell   *lc;

	if (!item->reused && (item->epsilon_nano <= 0 || item->delta_atto < 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a release must have a positive price")));
	foreach(lc, prices)
	{
		LedgerPrice *candidate = lfirst(lc);

		if (strcmp(NameStr(candidate->population), NameStr(item->population)) == 0)
			price = candidate;
	}
	if (price == NULL)
	{
		price = palloc0(sizeof(LedgerPrice));
		namestrcpy(&price->population, NameStr(item->population));
		prices = lappend(prices, price);
	}
	price->account_required |= item->account_required;
	if (item->reused)
		return prices;
	if (dp_loss_add(price->epsilon_nano, item->epsilon_nano, &price->epsilon_nano) != DP_OK ||
		dp_loss_add(price->delta_atto, item->delta_atto, &price->delta_atto) != DP_OK ||
		dp_rho_of_epsilon(item->epsilon_nano, &rho) != DP_OK ||
		dp_loss_add(price->rho_pico, rho, &price->rho_pico) != DP_OK)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("price of the statement is out of range")));
	if (price->releases == 0 || item->epsilon_nano < price->cheapest)
		price->cheapest = item->epsilon_nano;
	price->least_epsilon = Max(price->least_epsilon, item->least_epsilon);
	price->releases++;
	price->concentrated |= item->concentrated;
	return prices;
}

/* Appends the first "length" bytes of a string, as they can be stored, and a zero byte. */
static void
add_text(StringInfo payload, const char *string, int length)
{
	appendBinaryStringInfo(payload, ledger_storable(string, length), length + 1);
}

/* Appends a string with its zero byte; NULL as the empty one. */
static void
add_string(StringInfo payload, const char *string)
{
	if (string == NULL)
		string = "";
	add_text(payload, string, strlen(string));
}

/* The name of a role as it can be stored; empty if it is gone. */
static void
set_role_name(NameData *name, Oid role)
{
	char	   *found = GetUserNameFromId(role, true);

	if (found != NULL)
		namestrcpy(name, ledger_storable(found, strlen(found)));
}

/* Appends the head of a payload; raises ERRCODE_DP_LEDGER if OpenSSL cannot compute a digest. */
static void
add_head(StringInfo payload, MessageHead head, const char *query_text)
{
	set_role_name(&head.session_name, GetSessionUserId());
	set_role_name(&head.current_name, GetUserId());
	sha256_of(query_text, strlen(query_text), head.fingerprint);
	appendBinaryStringInfo(payload, (char *) &head, sizeof(head));
}

/* Appends a release. */
static void
add_item(StringInfo payload, const LedgerItem *item)
{
	appendBinaryStringInfo(payload, (const char *) &item->population, sizeof(NameData));
	appendBinaryStringInfo(payload, (const char *) &item->epsilon_nano, sizeof(int64));
	appendBinaryStringInfo(payload, (const char *) &item->delta_atto, sizeof(int64));
	appendBinaryStringInfo(payload, (const char *) &item->codes, sizeof(TierCodes));
	appendBinaryStringInfo(payload, (const char *) &item->lifetime_limit, sizeof(int64));
	appendBinaryStringInfo(payload, (const char *) &item->reused, sizeof(bool));
	add_string(payload, item->relations);
	add_string(payload, item->outputs);
}

/* Appends a read of raw rows. */
static void
add_read(StringInfo payload, const LedgerRead *read)
{
	appendBinaryStringInfo(payload, (const char *) &read->population, sizeof(NameData));
	appendBinaryStringInfo(payload, (const char *) &read->codes, sizeof(TierCodes));
	add_string(payload, read->relation);
	add_string(payload, read->columns);
}

/* Appends an answer to be kept. */
static void
add_keep(StringInfo payload, const LedgerKeep *keep)
{
	appendBinaryStringInfo(payload, (const char *) keep, sizeof(LedgerKeep));
	appendBinaryStringInfo(payload, (const char *) keep->outputs, keep->noutputs * SHA256_SIZE);
}

/*
 * Is anything paid or read?  What costs nothing can be asked for without end, and the log keeps it: so it
 * has the beginning of the query alone, and its fingerprint.
 */
static bool
costs_anything(List *items, List *reads)
{
	ListCell   *lc;

	foreach(lc, items)
	{
		if (!((LedgerItem *) lfirst(lc))->reused)
			return true;
	}
	return reads != NIL;
}

/*
 * ledger_message_build
 *		Appends the payload for a statement to an empty buffer.
 *
 * items is a list of LedgerItem, reads one of LedgerRead; keep and query_text may be NULL.  Returns
 * the prices, a list of LedgerPrice.  Raises 22023 for a price that is not positive, 22003
 * for a sum that overflows, and DP002 for a statement whose releases and reads do not fit
 * in LEDGER_PAYLOAD_SIZE.
 */
List *
ledger_message_build(StringInfo payload, List *items, List *reads, const LedgerKeep *keep,
					 const char *query_text)
{
	MessageHead head;
	List	   *prices = NIL;
	ListCell   *lc;
	int			room;

	if (query_text == NULL)
		query_text = "";
	foreach(lc, items)
		prices = add_price(prices, lfirst(lc));

	memset(&head, 0, sizeof(head));
	head.nprices = list_length(prices);
	head.nitems = list_length(items);
	head.nreads = list_length(reads);
	head.nkeeps = keep != NULL ? 1 : 0;
	add_head(payload, head, query_text);
	foreach(lc, prices)
		appendBinaryStringInfo(payload, (char *) lfirst(lc), sizeof(LedgerPrice));
	foreach(lc, items)
		add_item(payload, lfirst(lc));
	foreach(lc, reads)
		add_read(payload, lfirst(lc));
	if (keep != NULL)
		add_keep(payload, keep);

	room = LEDGER_PAYLOAD_SIZE - payload->len - 1;
	if (room < LEDGER_QUERY_ROOM)
		ereport(ERROR,
				(errcode(ERRCODE_DP_QUERY_REFUSED),
				 errmsg("statement has too many releases to be charged at once"),
				 errhint("Split it into several statements.")));
	if (!costs_anything(items, reads))
		room = LEDGER_FREE_QUERY;
	add_text(payload, query_text, pg_mbcliplen(query_text, strlen(query_text), room));
	return prices;
}

/*
 * ledger_population_bit
 *		The bit that stands for a population in a set of those of a statement.
 *
 * The last bit is shared by all populations from the 32nd on.
 */
uint32
ledger_population_bit(List *prices, const NameData *population)
{
	ListCell   *lc;

	foreach(lc, prices)
	{
		const LedgerPrice *price = lfirst(lc);

		if (strcmp(NameStr(price->population), NameStr(*population)) == 0)
			return (uint32) 1 << Min(foreach_current_index(lc), 31);
	}
	return 0;
}

/* Reads "size" bytes; elog if there are fewer. */
static void
read_bytes(Reader *reader, void *target, Size size)
{
	if ((Size) (reader->end - reader->next) < size)
		elog(ERROR, "request to the ledger is too short");
	memcpy(target, reader->next, size);
	reader->next += size;
}

/* Reads a string, which stays where it is; elog if it does not end. */
static const char *
read_string(Reader *reader)
{
	const char *string = reader->next;
	const char *zero = memchr(string, '\0', reader->end - string);

	if (zero == NULL)
		elog(ERROR, "request to the ledger has an unfinished string");
	reader->next = zero + 1;
	return string;
}

/* Reads a release. */
static LedgerItem *
read_item(Reader *reader)
{
	LedgerItem *item = palloc0(sizeof(LedgerItem));

	read_bytes(reader, &item->population, sizeof(NameData));
	read_bytes(reader, &item->epsilon_nano, sizeof(int64));
	read_bytes(reader, &item->delta_atto, sizeof(int64));
	read_bytes(reader, &item->codes, sizeof(TierCodes));
	read_bytes(reader, &item->lifetime_limit, sizeof(int64));
	read_bytes(reader, &item->reused, sizeof(bool));
	item->relations = read_string(reader);
	item->outputs = read_string(reader);
	return item;
}

/* Reads a read of raw rows. */
static LedgerRead *
read_read(Reader *reader)
{
	LedgerRead *read = palloc0(sizeof(LedgerRead));

	read_bytes(reader, &read->population, sizeof(NameData));
	read_bytes(reader, &read->codes, sizeof(TierCodes));
	read->relation = read_string(reader);
	read->columns = read_string(reader);
	return read;
}

/* Reads an answer to be kept. */
static LedgerKeep *
read_keep(Reader *reader)
{
	LedgerKeep *keep = palloc0(sizeof(LedgerKeep));
	uint8	   *outputs;

	read_bytes(reader, keep, sizeof(LedgerKeep));
	outputs = palloc(Max(keep->noutputs, 1) * SHA256_SIZE);
	read_bytes(reader, outputs, keep->noutputs * SHA256_SIZE);
	keep->outputs = outputs;
	return keep;
}

/*
 * ledger_message_read
 *		Takes a payload of "length" bytes apart; the strings of *message point into it.
 *
 * elog if the payload ends before its contents do.
 */
void
ledger_message_read(const char *payload, int length, LedgerMessage *message)
{
	Reader		reader = {payload, payload + length};
	MessageHead head;

	memset(message, 0, sizeof(*message));
	read_bytes(&reader, &head, sizeof(head));
	message->session_name = head.session_name;
	message->current_name = head.current_name;
	memcpy(message->fingerprint, head.fingerprint, SHA256_SIZE);
	for (int i = 0; i < head.nprices; i++)
	{
		LedgerPrice *price = palloc(sizeof(LedgerPrice));

		read_bytes(&reader, price, sizeof(LedgerPrice));
		message->prices = lappend(message->prices, price);
	}
	for (int i = 0; i < head.nitems; i++)
		message->items = lappend(message->items, read_item(&reader));
	for (int i = 0; i < head.nreads; i++)
		message->reads = lappend(message->reads, read_read(&reader));
	if (head.nkeeps > 0)
		message->keep = read_keep(&reader);
	message->query = read_string(&reader);
}
