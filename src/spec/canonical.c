/*
 * canonical.c
 *		The one value that stands for all values equal to it.
 *
 * Equal values of some types look different: 1.0 and 1.00, 0 and -0, NaN of either
 * sign, '1 mon' and '30 days', character(n) with and without blanks at the end, numbers
 * in jsonb, arrays of all these.  And values that look the same can be stored
 * differently: compressed, elsewhere, with a short header, with a bitmap of NULLs
 * that has no NULL in it any more.
 *
 * Where one value stands for several (a group's key, a minimum), the executor keeps the
 * one that it met first.  Which one that is depends on the order of rows, and thus on the
 * rows of everybody.  So the canonical form is put in its place: the same for all equal
 * values, and in memory of its own.
 *
 * The form follows the type modifier: 5 in a column of type numeric(10,2) is 5.00, and a
 * character(n) has n characters.
 *
 * Equality is that of the type's btree and hash operator classes, with a deterministic
 * collation: numeric_cmp, float8_cmp_internal, interval_cmp_value, bpcharcmp,
 * compareJsonbContainers and array_cmp in src/backend/utils/adt.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "spec/canonical.h"
#include "spec/decimal.h"

/* Has the type a canonical form?  It has if we know here what makes its values equal. */
bool
canonical_exists(Oid type)
{
	Oid			element;

	type = getBaseType(type);
	element = get_element_type(type);
	if (OidIsValid(element))
		return canonical_exists(element);
	switch (type)
	{
		case BOOLOID:
		case CHAROID:
		case NAMEOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case BYTEAOID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
		case OIDOID:
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INTERVALOID:
		case UUIDOID:
		case INETOID:
		case CIDROID:
		case MACADDROID:
		case MACADDR8OID:
		case MONEYOID:
		case BITOID:
		case VARBITOID:
		case JSONBOID:
			return true;
		default:
			return type_is_enum(type);
	}
}

/*
 * Is every value of the type its own canonical form, whatever way it is stored: do equal
 * values look the same to every function?
 */
bool
canonical_is_plain(Oid type)
{
	type = getBaseType(type);
	switch (type)
	{
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
		case INTERVALOID:
		case BPCHAROID:
		case JSONBOID:
			return false;
		default:
			return canonical_exists(type) && !OidIsValid(get_element_type(type));
	}
}

/* How values of a type that is no domain are brought into their form. */
static CanonicalForm
form_of(Oid base, const Canonical *canonical)
{
	switch (base)
	{
		case FLOAT4OID:
			return CANONICAL_FLOAT4;
		case FLOAT8OID:
			return CANONICAL_FLOAT8;
		case NUMERICOID:
			return CANONICAL_NUMERIC;
		case INTERVALOID:
			return CANONICAL_INTERVAL;
		case NAMEOID:
			return CANONICAL_NAME;
		case BPCHAROID:
			return CANONICAL_PADDED;
		case JSONBOID:
			return CANONICAL_JSONB;
		default:
			if (canonical->element != NULL)
				return CANONICAL_ARRAY;
			return canonical->by_value ? CANONICAL_BITS :
				canonical->length > 0 ? CANONICAL_FIXED : CANONICAL_BYTES;
	}
}

/*
 * Prepares for values of a type (or domain) with a type modifier, -1 for none.  What must
 * last is allocated in "context".  elog if the type has no canonical form.
 */
void
canonical_open(Canonical *canonical, Oid type, int32 typmod, MemoryContext context)
{
	Oid			base = getBaseTypeAndTypmod(type, &typmod);
	Oid			element = get_element_type(base);

	if (!canonical_exists(base))
		elog(ERROR, "type %u has no canonical form", type);
	get_typlenbyvalalign(base, &canonical->length, &canonical->by_value, &canonical->align);
	canonical->typmod = typmod;
	canonical->element = NULL;
	if (OidIsValid(element))
	{
		canonical->element = MemoryContextAllocZero(context, sizeof(Canonical));
		canonical_open(canonical->element, element, typmod, context);
	}
	canonical->form = form_of(base, canonical);
}

/* ----------
 * Types by themselves
 * ----------
 */

/*
 * A numeric without zeros at its end, except that it shows as many decimals as the type
 * modifier asks for.  The value given has a header of four bytes.
 */
static Datum
canonical_numeric(Numeric value, int32 typmod)
{
	Datum		number = NumericGetDatum(value);
	int32		scale = 0;
	int			shown;
	int			needed;

	/* the lower 11 bits, signed, as make_numeric_typmod() puts them (numeric.c) */
	if (typmod >= (int32) VARHDRSZ)
		scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
	if (numeric_is_nan(value) || numeric_is_inf(value))
		return DirectFunctionCall1(numeric_trim_scale, number);
	if (decimal_scales(VARDATA(value), VARSIZE(value) - VARHDRSZ, &shown, &needed) &&
		shown == Max(scale, needed))
		return number;
	needed = DatumGetInt32(DirectFunctionCall1(numeric_min_scale, number));
	return DirectFunctionCall2(numeric_round, number, Int32GetDatum(Max(scale, needed)));
}

/*
 * An interval in days and time, a month as 30 days and a day as 24 hours, as
 * interval_cmp_value() compares them (timestamp.c).  It has months only where an int has
 * no room for the days.
 */
static Datum
canonical_interval(const Interval *value)
{
	Interval   *result = palloc0(sizeof(Interval));
	int64		days = (int64) value->month * DAYS_PER_MONTH + value->day +
		value->time / USECS_PER_DAY;
	int64		months = 0;

	result->time = value->time % USECS_PER_DAY;
	if (result->time < 0 && days > 0)
	{
		result->time += USECS_PER_DAY;
		days--;
	}
	else if (result->time > 0 && days < 0)
	{
		result->time -= USECS_PER_DAY;
		days++;
	}
	if (days > PG_INT32_MAX || days < PG_INT32_MIN)
	{
		months = days / DAYS_PER_MONTH;
		months = Max(PG_INT32_MIN, Min(PG_INT32_MAX, months));
		days -= months * DAYS_PER_MONTH;
	}
	result->month = (int32) months;
	result->day = (int32) Max(PG_INT32_MIN, Min(PG_INT32_MAX, days));
	return IntervalPGetDatum(result);
}

/* A varlena of these bytes in memory of its own, with a header of four bytes. */
static Datum
plain_bytes(const char *bytes, Size length)
{
	struct varlena *result = palloc(VARHDRSZ + length);

	SET_VARSIZE(result, VARHDRSZ + length);
	memcpy(VARDATA(result), bytes, length);
	return PointerGetDatum(result);
}

/* A character(n) of n characters; without a type modifier, one without blanks at its end. */
static Datum
canonical_padded(Datum value, int32 typmod)
{
	struct varlena *string = PG_DETOAST_DATUM_PACKED(value);
	Size		length;

	if (typmod >= (int32) VARHDRSZ)
		string = (struct varlena *) DatumGetPointer(DirectFunctionCall3(bpchar,
																		PointerGetDatum(string),
																		Int32GetDatum(typmod),
																		BoolGetDatum(true)));
	length = VARSIZE_ANY_EXHDR(string);
	if (typmod < (int32) VARHDRSZ)
		length = bpchartruelen(VARDATA_ANY(string), (int) length);
	return plain_bytes(VARDATA_ANY(string), length);
}

/* A jsonb in which every number is a canonical numeric. */
static Datum
canonical_jsonb(Datum value)
{
	Jsonb	   *json = DatumGetJsonbP(value);
	JsonbIterator *iterator = JsonbIteratorInit(&json->root);
	DP_JSONB_BUILDER builder = {0};
	JsonbValue	item;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &item, false)) != WJB_DONE)
	{
		bool		has_value = token < WJB_BEGIN_ARRAY ||
			(token == WJB_BEGIN_ARRAY && item.val.array.rawScalar);

		if (token < WJB_BEGIN_ARRAY && item.type == jbvNumeric)
			item.val.numeric = DatumGetNumeric(canonical_numeric(item.val.numeric, -1));
		DP_JSONB_PUSH(builder, token, has_value ? &item : NULL);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(builder.result));
}

/* An array of canonical elements.  Dimensions and lower bounds stay: equality minds them. */
static Datum
canonical_array(const Canonical *element, Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	if (ARR_NDIM(array) == 0)
		return PointerGetDatum(construct_empty_array(ARR_ELEMTYPE(array)));
	deconstruct_array(array, ARR_ELEMTYPE(array), element->length, element->by_value,
					  element->align, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			elements[i] = canonical_datum(element, elements[i]);
	}
	return PointerGetDatum(construct_md_array(elements, nulls, ARR_NDIM(array), ARR_DIMS(array),
											  ARR_LBOUND(array), ARR_ELEMTYPE(array),
											  element->length, element->by_value, element->align));
}

/*
 * canonical_datum
 *		The canonical form of a value that is not NULL.
 *
 * It is passed by value, or lies in memory of its own in the current context.  Two values
 * that are equal give the same bytes, in whatever way they are stored.
 */
Datum
canonical_datum(const Canonical *canonical, Datum value)
{
	switch (canonical->form)
	{
		case CANONICAL_BITS:
			return canonical_bits(value, canonical->length);
		case CANONICAL_FLOAT4:
			return canonical_float4(DatumGetFloat4(value));
		case CANONICAL_FLOAT8:
			return canonical_float8(DatumGetFloat8(value));
		case CANONICAL_NUMERIC:
			return canonical_numeric(DatumGetNumericCopy(value), canonical->typmod);
		case CANONICAL_INTERVAL:
			return canonical_interval(DatumGetIntervalP(value));
		case CANONICAL_NAME:
			return DirectFunctionCall1(namein, CStringGetDatum(NameStr(*DatumGetName(value))));
		case CANONICAL_FIXED:
			return datumCopy(value, false, canonical->length);
		case CANONICAL_PADDED:
			return canonical_padded(value, canonical->typmod);
		case CANONICAL_BYTES:
			{
				struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

				return plain_bytes(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
			}
		case CANONICAL_JSONB:
			return canonical_jsonb(value);
		case CANONICAL_ARRAY:
			return canonical_array(canonical->element, value);
	}
	return value;
}
