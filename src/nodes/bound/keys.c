/*
 * keys.c
 *		Keys of several columns, or of one that is long: bytes, one column after the
 *		other, each as a tag (0 for NULL), then its bytes as sketch_key.c gives them,
 *		after their number if the type has no fixed length.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "nodes/bound/keys.h"
#include "spec/value_key.h"

/*
 * Opens the columns attnos[0 .. n - 1] of rows; where they cannot be NULL, a column of 8
 * bytes is short, too.  The seed is to be set before they are read.  Everything that is
 * looked up in catalogs is looked up here.
 */
void
key_columns_open(KeyColumns *columns, TupleDesc desc, const AttrNumber *attnos, int n,
				 bool nullable)
{
	columns->n = n;
	columns->attnos = attnos;
	columns->desc = desc;
	columns->nullable = nullable;
	columns->readers = palloc0(n * sizeof(KeyReader));
	initStringInfo(&columns->buffer);
	for (int i = 0; i < n; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, attnos[i] - 1);

		if (!key_is_exact(attribute->atttypid, attribute->attcollation))
			elog(ERROR, "no exact keys of type %u", attribute->atttypid);
		key_open(&columns->readers[i], attribute->atttypid, attribute->attcollation, 0,
				 CurrentMemoryContext);
	}
	columns->is_short = n == 1 && TupleDescAttr(desc, attnos[0] - 1)->attbyval &&
		columns->readers->length <= (nullable ? (int) sizeof(int32) : (int) sizeof(int64));
}

static inline bool
has_length(const KeyReader *reader)
{
	return reader->length == -1;
}

/* The same as key_columns_read(), for keys that are not short. */
bool
key_columns_read_long(KeyColumns *columns, TupleTableSlot *slot, BoundKey *key)
{
	StringInfo	buffer = &columns->buffer;

	resetStringInfo(buffer);
	for (int i = 0; i < columns->n; i++)
	{
		int			column = columns->attnos[i] - 1;
		ValueKey	value;

		if (slot->tts_isnull[column] && !columns->nullable)
			return false;
		appendStringInfoCharMacro(buffer, slot->tts_isnull[column] ? 0 : 1);
		if (slot->tts_isnull[column])
			continue;
		key_bytes(&columns->readers[i], slot->tts_values[column], &value);
		if (has_length(&columns->readers[i]))
			appendBinaryStringInfo(buffer, (char *) &value.length, sizeof(value.length));
		appendBinaryStringInfo(buffer, value.bytes, (int) value.length);
	}
	key->bytes = buffer->data;
	key->length = (uint32) buffer->len;
	key->hash = hash_bytes_extended((const unsigned char *) buffer->data, buffer->len,
									columns->seed);
	return true;
}

/*
 * A value with the scale or the length that its column has, which its key does not keep:
 * the column's values all have it.
 */
static Datum
respelled(Datum value, Form_pg_attribute attribute)
{
	if (attribute->atttypmod < 0)
		return value;
	switch (attribute->atttypid)
	{
		case NUMERICOID:
			return DirectFunctionCall2(numeric, value, Int32GetDatum(attribute->atttypmod));
		case BPCHAROID:
			return DirectFunctionCall3(bpchar, value, Int32GetDatum(attribute->atttypmod),
									   BoolGetDatum(true));
		default:
			return value;
	}
}

/* value_mix() backwards: the inverse of each of its steps. */
static uint64
unmix(uint64 x)
{
	x ^= (x >> 31) ^ (x >> 62);
	x *= UINT64CONST(0x319642b2d24d8ec3);
	x ^= (x >> 27) ^ (x >> 54);
	x *= UINT64CONST(0x96de1b173f119089);
	return x ^ (x >> 30) ^ (x >> 60);
}

/* The value of a short key; *isnull if it is NULL. */
static Datum
short_value(const KeyColumns *columns, const BoundKey *key, bool *isnull)
{
	uint64		bits = unmix(key->hash) ^ columns->seed;

	*isnull = columns->nullable && bits == SHORT_KEY_NULL;
	if (*isnull)
		return (Datum) 0;
	switch (columns->readers->length)
	{
		case sizeof(int64):
			return UInt64GetDatum(bits);
		case sizeof(int32):
			return Int32GetDatum((int32) bits);
		case sizeof(int16):
			return Int16GetDatum((int16) bits);
		default:
			return CharGetDatum((char) bits);
	}
}

/* The values of a key, in the current memory context. */
void
key_columns_values(KeyColumns *columns, const BoundKey *key, Datum *values, bool *isnull)
{
	const char *next = key->bytes;

	if (columns->is_short)
	{
		values[0] = short_value(columns, key, &isnull[0]);
		return;
	}
	for (int i = 0; i < columns->n; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(columns->desc, columns->attnos[i] - 1);
		ValueKey	value;

		isnull[i] = *next++ == 0;
		values[i] = (Datum) 0;
		if (isnull[i])
			continue;
		value.length = attribute->attbyval ? sizeof(Datum) : (uint32) attribute->attlen;
		if (has_length(&columns->readers[i]))
		{
			memcpy(&value.length, next, sizeof(value.length));
			next += sizeof(value.length);
		}
		value.bytes = next;
		next += value.length;
		values[i] = respelled(key_datum(attribute->atttypid, &value), attribute);
	}
}
