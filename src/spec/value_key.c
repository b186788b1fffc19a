/*
 * value_key.c
 *		Values as bytes that are equal if and only if the values are, and back.
 *
 * Equal values of some types look different: 1.0 and 1.00, '1 day' and '24
 * hours', 0 and -0, blanks at the end of character(n).  If one of them were kept
 * as it came, a release would show how one individual wrote it.  So each value
 * is turned into one that stands for all equal ones: without trailing zeros or
 * blanks, an interval in days and time.
 *
 * Strings that are equal under a nondeterministic collation cannot be brought
 * into one form.  A sketch of values takes them for different values.  A sketch
 * of distinct values uses the type's own hash function then, which is the same
 * for both, as it does where a form takes long to find (canonical.c).
 *
 * NaN counts as no value.  A value of more than LONGEST_VALUE bytes cannot be
 * chosen either: such a limit looks at each value by itself and tells nothing
 * about others.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "core/errors.h"
#include "spec/canonical.h"
#include "spec/domain.h"
#include "spec/value_key.h"

/* How values of a type that is no domain become keys. */
static KeyForm
form_of(Oid type, int16 length, bool by_value)
{
	switch (type)
	{
		case FLOAT4OID:
			return KEY_FLOAT4;
		case FLOAT8OID:
			return KEY_FLOAT8;
		case NUMERICOID:
			return KEY_NUMERIC;
		case INTERVALOID:
			return KEY_INTERVAL;
		case BPCHAROID:
			return KEY_PADDED;
		default:
			return by_value ? KEY_BITS : length > 0 ? KEY_FIXED :
				canonical_exists(type) && !canonical_is_plain(type) ? KEY_CANONICAL : KEY_VARLENA;
	}
}

/* Is equality of the type exactly that of its keys, and cheaply so? */
static bool
equal_by_key(Oid type, Oid collation)
{
	switch (type)
	{
		case BOOLOID:
		case CHAROID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case OIDOID:
		case FLOAT4OID:
		case FLOAT8OID:
		case DATEOID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INTERVALOID:
		case UUIDOID:
		case BYTEAOID:
			return true;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return !OidIsValid(collation) || get_collation_isdeterministic(collation);
		default:
			return type_is_enum(type);
	}
}

/*
 * Can bytes alone tell whether two values of a type, or of a domain over it, are equal,
 * and be turned back into a value?  Intervals beyond 2^31 days share theirs.
 */
bool
key_is_exact(Oid type, Oid collation)
{
	Oid			base = getBaseType(type);

	return base == NUMERICOID || (base != INTERVALOID && equal_by_key(base, collation));
}

/* The same of the values of all expressions of a list. */
bool
keys_are_exact(List *exprs)
{
	ListCell   *lc;

	foreach(lc, exprs)
	{
		if (!key_is_exact(exprType(lfirst(lc)), exprCollation(lfirst(lc))))
			return false;
	}
	return true;
}

/* Prepares for values of a type; what must last is allocated in "context". */
void
key_open(KeyReader *reader, Oid type, Oid collation, uint64 seed, MemoryContext context)
{
	Oid			base = getBaseType(type);
	bool		by_value;

	get_typlenbyval(base, &reader->length, &by_value);
	if (reader->length < -1)
		elog(ERROR, "no keys of type %u", type);
	reader->form = form_of(base, reader->length, by_value);
	reader->seed = seed;
	reader->collation = collation;
	if (reader->form == KEY_CANONICAL)
		canonical_open(&reader->canonical, base, -1, context);
	reader->hash_typed = false;
	if (!equal_by_key(base, collation))
	{
		TypeCacheEntry *entry = lookup_type_cache(base, TYPECACHE_HASH_EXTENDED_PROC_FINFO);

		reader->hash_typed = OidIsValid(entry->hash_extended_proc_finfo.fn_oid);
		if (reader->hash_typed)
			fmgr_info_copy(&reader->type_hash, &entry->hash_extended_proc_finfo, context);
	}
}

/* Makes the key of a value that is passed by value. */
static inline void
key_is_bits(KeyReader *reader, ValueKey *key, Datum bits)
{
	reader->bits = bits;
	key->bytes = (const char *) &reader->bits;
	key->length = sizeof(Datum);
}

/* Makes a key of bytes that lie somewhere. */
static inline void
key_is_bytes(ValueKey *key, const void *bytes, uint32 length)
{
	key->bytes = bytes;
	key->length = length;
}

/* Makes the key of a varlena.  If that takes memory, it is that of the row. */
static void
key_is_varlena(KeyReader *reader, ValueKey *key, Datum value)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);
	Size		length = VARSIZE_ANY_EXHDR(bytes);

	if (reader->form == KEY_PADDED)
		length = bpchartruelen(VARDATA_ANY(bytes), (int) length);
	key_is_bytes(key, VARDATA_ANY(bytes), (uint32) length);
}

/*
 * Sets the bytes of a key, but not its hash: those that stand for a value of any kind and
 * length, NaN included.  They are valid until the next call with this reader, or the end
 * of the row.
 */
void
key_bytes(KeyReader *reader, Datum value, ValueKey *key)
{
	switch (reader->form)
	{
		case KEY_BITS:
			key_is_bits(reader, key, canonical_bits(value, reader->length));
			break;
		case KEY_FLOAT4:
			key_is_bits(reader, key, canonical_float4(DatumGetFloat4(value)));
			break;
		case KEY_FLOAT8:
			key_is_bits(reader, key, canonical_float8(DatumGetFloat8(value)));
			break;
		case KEY_INTERVAL:
			reader->interval = domain_interval(DatumGetIntervalP(value));
			key_is_bytes(key, &reader->interval, sizeof(Interval));
			break;
		case KEY_NUMERIC:
			key_is_varlena(reader, key, DirectFunctionCall1(numeric_trim_scale, value));
			break;
		case KEY_CANONICAL:
			key_is_varlena(reader, key, canonical_datum(&reader->canonical, value));
			break;
		case KEY_PADDED:
		case KEY_VARLENA:
			key_is_varlena(reader, key, value);
			break;
		case KEY_FIXED:
			key_is_bytes(key, DatumGetPointer(value), reader->length);
			break;
	}
}

/* Is the value NaN? */
static bool
is_nan(const KeyReader *reader, Datum value)
{
	switch (reader->form)
	{
		case KEY_FLOAT4:
			return isnan(DatumGetFloat4(value));
		case KEY_FLOAT8:
			return isnan(DatumGetFloat8(value));
		case KEY_NUMERIC:
			return numeric_is_nan(DatumGetNumeric(value));
		default:
			return false;
	}
}

/* The seeded hash of a key's bytes. */
static inline uint64
hash_of_bytes(const KeyReader *reader, const ValueKey *key)
{
	if (key->bytes == (const char *) &reader->bits)
		return value_mix((uint64) reader->bits ^ reader->seed);
	return hash_bytes_extended((const unsigned char *) key->bytes, (int) key->length,
							   reader->seed);
}

/*
 * The key of a value, with its hash; false for a value that cannot be chosen: NaN, or one
 * that is longer than LONGEST_VALUE.  The bytes are valid until the next call with this
 * reader, or the end of the row.
 */
bool
key_read(KeyReader *reader, Datum value, ValueKey *key)
{
	if ((reader->form == KEY_VARLENA || reader->form == KEY_CANONICAL) &&
		toast_raw_datum_size(value) > LONGEST_VALUE + VARHDRSZ)
		return false;
	if (is_nan(reader, value))
		return false;
	key_bytes(reader, value, key);
	key->hash = hash_of_bytes(reader, key);
	return key->length <= LONGEST_VALUE;
}

/* key_hash() for types that take more than mixing the bits of a datum. */
bool
key_other_hash(KeyReader *reader, Datum value, uint64 *hash)
{
	ValueKey	key;

	if (is_nan(reader, value))
		return false;
	if (reader->hash_typed)
		*hash = DatumGetUInt64(FunctionCall2Coll(&reader->type_hash, reader->collation, value,
												 UInt64GetDatum(reader->seed)));
	else
	{
		key_bytes(reader, value, &key);
		*hash = hash_of_bytes(reader, &key);
	}
	*hash |= 1;
	return true;
}

/*
 * The value of a key, of the argument's type, in the current memory context.  elog if the
 * bytes cannot be a value of the type by their number, as only forged ones cannot.
 */
Datum
key_datum(Oid type, const ValueKey *key)
{
	Oid			base = getBaseType(type);
	int16		length;
	bool		by_value;
	char	   *result;
	Datum		bits;

	get_typlenbyval(base, &length, &by_value);
	if (length < -1 || (by_value && key->length != sizeof(Datum)) ||
		(!by_value && length > 0 && key->length != (uint32) length) ||
		(base == NUMERICOID && key->length < sizeof(uint16)))
		malformed("sketch state");
	if (by_value)
	{
		memcpy(&bits, key->bytes, sizeof(Datum));
		return bits;
	}
	if (length > 0)
	{
		result = palloc(length);
		memcpy(result, key->bytes, length);
		return PointerGetDatum(result);
	}
	result = palloc(VARHDRSZ + key->length);
	SET_VARSIZE(result, VARHDRSZ + key->length);
	memcpy(VARDATA(result), key->bytes, key->length);
	return PointerGetDatum(result);
}
