/*
 * arrays.c
 *		Codes of risk tiers as arrays, for SQL: tier_codes(), tier_reasons(), tier_obligation().
 *
 * A column of codes may come from a newer version, or from another hand: names that are not
 * known are shown as they are.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "tier/arrays.h"
#include "tier/texts.h"

PG_FUNCTION_INFO_V1(dp_tier_codes);
PG_FUNCTION_INFO_V1(dp_tier_reasons);
PG_FUNCTION_INFO_V1(dp_tier_obligation);

/* Adds a text to an array that is being built. */
static ArrayBuildState *
add_text(ArrayBuildState *array, const char *text)
{
	return accumArrayResult(array, CStringGetTextDatum(text), false, TEXTOID,
							CurrentMemoryContext);
}

/* The array, which may be empty. */
static Datum
finished(ArrayBuildState *array)
{
	return array != NULL ? makeArrayResult(array, CurrentMemoryContext) :
		PointerGetDatum(construct_empty_array(TEXTOID));
}

/* The names of codes, as text[], in the order of stages. */
Datum
tier_codes_array(TierCodes codes)
{
	ArrayBuildState *array = NULL;

	for (int code = 0; code < TIER_CODES; code++)
	{
		if (codes & TIER_BIT(code))
			array = add_text(array, tier_code_name(code));
	}
	return finished(array);
}

/* The same as sentences, in the language of lc_messages. */
Datum
tier_reasons_array(TierCodes codes)
{
	ArrayBuildState *array = NULL;
	TierLanguage language = tier_language(NULL);

	for (int code = 0; code < TIER_CODES; code++)
	{
		if (codes & TIER_BIT(code))
			array = add_text(array, tier_reason(code, language));
	}
	return finished(array);
}

/* A name as a sentence; as it is if it is none of ours. */
static const char *
named_reason(const char *name, TierLanguage language)
{
	for (int code = 0; code < TIER_CODES; code++)
	{
		if (strcmp(name, tier_code_name(code)) == 0)
			return tier_reason(code, language);
	}
	return name;
}

/* The language that an argument asks for; NULL, and one that is left out: of lc_messages. */
static TierLanguage
wished_language(FunctionCallInfo fcinfo, int argument)
{
	return tier_language(PG_NARGS() <= argument || PG_ARGISNULL(argument) ? NULL :
						 text_to_cstring(PG_GETARG_TEXT_PP(argument)));
}

/*
 * tier_codes(codes text) returns text[]
 *
 * The names that a column of codes holds, with blanks between.
 */
PGDLLEXPORT Datum
dp_tier_codes(PG_FUNCTION_ARGS)
{
	ArrayBuildState *array = NULL;
	char	   *rest = text_to_cstring(PG_GETARG_TEXT_PP(0));

	for (char *name = strtok_r(rest, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest))
		array = add_text(array, name);
	PG_RETURN_DATUM(finished(array));
}

/* tier_reasons(codes text, language text) returns text[]: the same as sentences */
PGDLLEXPORT Datum
dp_tier_reasons(PG_FUNCTION_ARGS)
{
	ArrayBuildState *array = NULL;
	TierLanguage language = wished_language(fcinfo, 1);
	char	   *rest;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	rest = text_to_cstring(PG_GETARG_TEXT_PP(0));
	for (char *name = strtok_r(rest, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest))
		array = add_text(array, named_reason(name, language));
	PG_RETURN_DATUM(finished(array));
}

/* tier_obligation(tier text, language text) returns text; NULL for what is no tier */
PGDLLEXPORT Datum
dp_tier_obligation(PG_FUNCTION_ARGS)
{
	char	   *name;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	for (DpTier tier = DP_TIER_LOW; tier <= DP_TIER_HIGH; tier++)
	{
		if (strcmp(name, tier_name(tier)) == 0)
			PG_RETURN_TEXT_P(cstring_to_text(tier_obligation(tier, wished_language(fcinfo, 1))));
	}
	PG_RETURN_NULL();
}
