/*
 * lengths.c
 *		How long texts are: an interval of a text is that of its number of characters.
 *
 * It comes from the type, from what is declared for a column (dp_agg.set_length()), and from the
 * functions that cut a text.  A function that is not here may return a text of any length: lower()
 * makes two characters of some, and replace() as many as it likes.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "query/lengths.h"

/* Is it a type of texts, whose values have a number of characters? */
bool
is_text_type(Oid type)
{
	Oid			base = getBaseType(type);

	return base == TEXTOID || base == VARCHAROID || base == BPCHAROID || base == NAMEOID;
}

/* Lengths from 0 to the most characters. */
static Range
up_to(double most)
{
	return (Range) {0, Max(most, 0), 1};
}

/* The interval of lengths that values of an expression of such a type have by the type alone. */
Range
length_of_type(Node *node)
{
	int32		typmod = exprTypmod(node);
	Oid			base = getBaseTypeAndTypmod(exprType(node), &typmod);

	if (base == NAMEOID)
		return up_to(NAMEDATALEN - 1);
	return up_to((base == VARCHAROID || base == BPCHAROID) && typmod >= (int32) VARHDRSZ ?
				 typmod - (int32) VARHDRSZ : INFINITY);
}

/* That of a constant text; none of NULL. */
Range
length_of_constant(Const *con)
{
	double		length;

	if (con->constisnull)
		return range_nothing();
	if (getBaseType(con->consttype) == NAMEOID)
		return up_to(NAMEDATALEN - 1);
	length = pg_mbstrlen(TextDatumGetCString(con->constvalue));
	return (Range) {length, length, 1};
}

/*
 * Of a function that says how long its first argument is, a text, or where in it something stands: the most
 * that one character adds to the result.  0 of other functions.
 */
int
units_of_length(Oid funcid)
{
	switch (funcid)
	{
		case F_LENGTH_TEXT:
		case F_CHAR_LENGTH_TEXT:
		case F_CHARACTER_LENGTH_TEXT:
		case F_LENGTH_BPCHAR:
		case F_CHAR_LENGTH_BPCHAR:
		case F_CHARACTER_LENGTH_BPCHAR:
		case F_STRPOS:
		case F_POSITION_TEXT_TEXT:
			return 1;
		case F_OCTET_LENGTH_TEXT:
		case F_OCTET_LENGTH_BPCHAR:
			return pg_database_encoding_max_length();
		default:
			return 0;
	}
}

/* No longer than the first argument is. */
static Range
as_first(Scope *scope, List *args)
{
	return up_to(scope->derive(scope, linitial(args)).upper);
}

/* The same, and than as many characters as the argument "count" says; all where that counts from the end. */
static Range
cut(Scope *scope, List *args, Node *count)
{
	Range		range = scope->derive(scope, count);
	Range		first = as_first(scope, args);

	return range.lower < 0 ? first : up_to(Min(first.upper, range.upper));
}

/* The interval of lengths of what a call returns. */
Range
length_of_call(Scope *scope, Oid funcid, List *args)
{
	switch (funcid)
	{
		case F_LEFT:
		case F_RIGHT:
			return cut(scope, args, lsecond(args));
		case F_SUBSTR_TEXT_INT4_INT4:
		case F_SUBSTRING_TEXT_INT4_INT4:
			return cut(scope, args, lthird(args));
		case F_LPAD_TEXT_INT4:
		case F_LPAD_TEXT_INT4_TEXT:
		case F_RPAD_TEXT_INT4:
		case F_RPAD_TEXT_INT4_TEXT:
			return up_to(scope->derive(scope, lsecond(args)).upper);
		case F_SUBSTR_TEXT_INT4:
		case F_SUBSTRING_TEXT_INT4:
		case F_SUBSTRING_TEXT_TEXT:
		case F_BTRIM_TEXT:
		case F_BTRIM_TEXT_TEXT:
		case F_LTRIM_TEXT:
		case F_LTRIM_TEXT_TEXT:
		case F_RTRIM_TEXT:
		case F_RTRIM_TEXT_TEXT:
		case F_SPLIT_PART:
		case F_TRANSLATE:
		case DP_F_REVERSE_TEXT:
		case F_TEXT_BPCHAR:
		case F_VARCHAR_VARCHAR_INT4_BOOL:
		case F_BPCHAR_BPCHAR_INT4_BOOL:
			return as_first(scope, args);
		case F_TEXTCAT:
			return up_to(as_first(scope, args).upper + scope->derive(scope, lsecond(args)).upper);
		case F_MD5_TEXT:
		case F_MD5_BYTEA:
			return (Range) {32, 32, 1};
		default:
			return up_to(INFINITY);
	}
}
