/*
 * keys.c
 *		Keys of several columns, or of one that is long.
 *
 * The key of a unit of one column is its bytes as value_key.c gives them.  All others have one column
 * after the other, each as a tag (0 for NULL), then these bytes, after their number if the type has
 * no fixed length.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
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

/* key_bytes(); what is stored with a short header is read at once. */
static inline void
column_bytes(KeyReader *reader, Datum value, ValueKey *key)
{
	struct varlena *stored = (struct varlena *) DatumGetPointer(value);

	if (reader->form == KEY_VARLENA && VARATT_IS_SHORT(stored) &&
		!VARATT_IS_EXTERNAL(stored))
	{
		key->bytes = VARDATA_SHORT(stored);
		key->length = VARSIZE_SHORT(stored) - VARHDRSZ_SHORT;
	}
	else
		key_bytes(reader, value, key);
}

/* Appends a column that is not NULL to a key. */
static inline void
append_column(StringInfo buffer, KeyReader *reader, Datum value)
{
	ValueKey	key;
	char	   *to;

	column_bytes(reader, value, &key);
	enlargeStringInfo(buffer, (int) (1 + sizeof(key.length) + key.length));
	to = buffer->data + buffer->len;
	*to++ = 1;
	if (has_length(reader))
	{
		memcpy(to, &key.length, sizeof(key.length));
		to += sizeof(key.length);
	}
	memcpy(to, key.bytes, key.length);
	buffer->len = (int) (to + key.length - buffer->data);
}

/* Puts all columns into the buffer; false if one is NULL that must not be. */
static bool
read_columns(KeyColumns *columns, TupleTableSlot *slot, BoundKey *key)
{
	StringInfo	buffer = &columns->buffer;

	resetStringInfo(buffer);
	for (int i = 0; i < columns->n; i++)
	{
		int			column = columns->attnos[i] - 1;

		if (!slot->tts_isnull[column])
			append_column(buffer, &columns->readers[i], slot->tts_values[column]);
		else if (columns->nullable)
			appendStringInfoCharMacro(buffer, 0);
		else
			return false;
	}
	key->bytes = buffer->data;
	key->length = (uint32) buffer->len;
	return true;
}

/* The only column of a unit; false if it is NULL. */
static bool
read_unit(KeyColumns *columns, TupleTableSlot *slot, BoundKey *key)
{
	int			column = columns->attnos[0] - 1;
	ValueKey	value;

	if (slot->tts_isnull[column])
		return false;
	column_bytes(columns->readers, slot->tts_values[column], &value);
	key->bytes = value.bytes;
	key->length = value.length;
	return true;
}

/* A seeded hash of bytes, eight at a time. */
static uint64
hash_of_bytes(const char *bytes, uint32 length, uint64 seed)
{
	uint64		hash = seed ^ length;
	uint64		word = 0;
	uint32		done = 0;

	for (; length - done > sizeof(word); done += sizeof(word))
	{
		memcpy(&word, bytes + done, sizeof(word));
		hash = key_hash_step(hash, word);
	}
	/* the last eight bytes again have some of those before them */
	if (length >= sizeof(word))
		memcpy(&word, bytes + length - sizeof(word), sizeof(word));
	else
		memcpy(&word, bytes, length);
	return value_mix(hash ^ word);
}

/* The same as key_columns_read(), for keys that are not short. */
bool
key_columns_read_long(KeyColumns *columns, TupleTableSlot *slot, BoundKey *key)
{
	bool		of_unit = !columns->nullable;
	KeyWords	words = {0};

	if (!(of_unit && columns->n == 1 ? read_unit(columns, slot, key) :
		  read_columns(columns, slot, key)))
		return false;
	if (of_unit && key_fits_words(key->length))
	{
		memcpy(&words, key->bytes, key->length);
		key->hash = key_hash_words(&words, key->length, columns->seed);
	}
	else
		key->hash = hash_of_bytes(key->bytes, key->length, columns->seed);
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
