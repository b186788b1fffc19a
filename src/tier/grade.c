/*
 * grade.c
 *		The rules of risk tiers; see grade.h.
 */
#include <stddef.h>

#include "tier/grade.h"

/* A code: its name, stage first, and the tier of that stage; or that it raises the tier. */
static const struct
{
	const char *name;
	DpTier		tier;			/* DP_TIER_NONE: it is no stage */
	bool		raises;
}			code_rules[TIER_CODES] =
{
	[TIER_STATISTIC] = {"result.statistic", DP_TIER_LOW, false},
	[TIER_DIRECT_RAW] = {"result.direct_identifier", DP_TIER_HIGH, false},
	[TIER_DIRECT_KEY_HELD] = {"result.direct_identifier_key_held", DP_TIER_HIGH, false},
	[TIER_DIRECT_MASKED_LIGHTLY] = {"result.direct_identifier_masked_lightly", DP_TIER_MEDIUM, false},
	[TIER_DIRECT_GENERALISED] = {"result.direct_identifier_generalised", DP_TIER_MEDIUM, false},
	[TIER_DIRECT_PSEUDONYMISED] = {"result.direct_identifier_pseudonymised", DP_TIER_MEDIUM, false},
	[TIER_DIRECT_MASKED] = {"result.direct_identifier_masked", DP_TIER_LOW, false},
	[TIER_DIRECT_ENCRYPTED] = {"result.direct_identifier_encrypted", DP_TIER_LOW, false},
	[TIER_QUASI_RAW] = {"result.quasi_identifier", DP_TIER_MEDIUM, false},
	[TIER_QUASI_PROCESSED] = {"result.quasi_identifier_processed", DP_TIER_LOW, false},
	[TIER_SENSITIVE_RAW] = {"result.sensitive", DP_TIER_MEDIUM, false},
	[TIER_SENSITIVE_PROCESSED] = {"result.sensitive_processed", DP_TIER_LOW, false},
	[TIER_ORDINARY] = {"result.ordinary", DP_TIER_LOW, false},
	[TIER_CENTRAL] = {"computation.central", DP_TIER_LOW, false},
	[TIER_WORKERS] = {"computation.workers", DP_TIER_MEDIUM, false},
	[TIER_TRUSTED_DECLARED] = {"computation.trusted_declared", DP_TIER_LOW, false},
	[TIER_LOCAL] = {"transmission.local", DP_TIER_LOW, false},
	[TIER_ENCRYPTED] = {"transmission.encrypted", DP_TIER_LOW, false},
	[TIER_PLAIN] = {"transmission.plain", DP_TIER_MEDIUM, false},
	[TIER_PLAIN_HIGH] = {"transmission.plain_high", DP_TIER_HIGH, false},
	[TIER_LARGE_SCALE] = {"scale.large", DP_TIER_NONE, true},
	[TIER_UNKNOWN_SCALE] = {"scale.unknown", DP_TIER_NONE, false},
	[TIER_LARGE_EPSILON] = {"epsilon.large", DP_TIER_NONE, true},
	[TIER_LARGE_LIFETIME] = {"lifetime.large", DP_TIER_NONE, true},
};

/*
 * tier_grade
 *		The tier of a result: that of its worst stage, and one more for each raise.
 *
 * A set without a stage has no tier (DP_TIER_NONE).
 */
DpTier
tier_grade(TierCodes codes)
{
	int			tier = DP_TIER_NONE;
	int			raises = 0;

	for (int code = 0; code < TIER_CODES; code++)
	{
		if ((codes & TIER_BIT(code)) == 0)
			continue;
		if ((int) code_rules[code].tier > tier)
			tier = code_rules[code].tier;
		raises += code_rules[code].raises;
	}
	if (tier == DP_TIER_NONE)
		return DP_TIER_NONE;
	return tier + raises < DP_TIER_HIGH ? tier + raises : DP_TIER_HIGH;
}

/* The tier of a code's stage; DP_TIER_NONE for a code that is no stage. */
DpTier
tier_of_code(TierCode code)
{
	return code_rules[code].tier;
}

/* "low", "medium" or "high"; NULL for none. */
const char *
tier_name(DpTier tier)
{
	switch (tier)
	{
		case DP_TIER_LOW:
			return "low";
		case DP_TIER_MEDIUM:
			return "medium";
		case DP_TIER_HIGH:
			return "high";
		default:
			return NULL;
	}
}

/* The name of a code, stage and reason with a dot between, as in "transmission.plain". */
const char *
tier_code_name(TierCode code)
{
	return code_rules[code].name;
}

/* A masked value of which most characters are gone? */
static bool
mostly_masked(const TierColumn *column)
{
	return column->processing == TIER_PROCESSING_MASKED &&
		column->remaining >= 0 && column->remaining <= TIER_MASKED_REMAINING;
}

/* The code of a direct identifier. */
static TierCode
direct_code(const TierColumn *column)
{
	switch (column->processing)
	{
		case TIER_PROCESSING_MASKED:
			return mostly_masked(column) ? TIER_DIRECT_MASKED : TIER_DIRECT_MASKED_LIGHTLY;
		case TIER_PROCESSING_GENERALISED:
			return TIER_DIRECT_GENERALISED;
		case TIER_PROCESSING_PSEUDONYMISED:
			return TIER_DIRECT_PSEUDONYMISED;
		case TIER_PROCESSING_ENCRYPTED:
			return column->key_held ? TIER_DIRECT_KEY_HELD : TIER_DIRECT_ENCRYPTED;
		default:
			return TIER_DIRECT_RAW;
	}
}

/* Were values of a quasi-identifier or sensitive column processed so that little remains? */
static bool
is_processed(const TierColumn *column)
{
	switch (column->processing)
	{
		case TIER_PROCESSING_MASKED:
			return mostly_masked(column);
		case TIER_PROCESSING_GENERALISED:
		case TIER_PROCESSING_PSEUDONYMISED:
			return true;
		case TIER_PROCESSING_ENCRYPTED:
			return !column->key_held;
		default:
			return false;
	}
}

/*
 * tier_of_column
 *		What raw rows with such a column hold, a code of stage "result".
 *
 * A column that nobody has classified counts as ordinary.
 */
TierCode
tier_of_column(const TierColumn *column)
{
	switch (column->class)
	{
		case TIER_CLASS_DIRECT:
			return direct_code(column);
		case TIER_CLASS_QUASI:
			return is_processed(column) ? TIER_QUASI_PROCESSED : TIER_QUASI_RAW;
		case TIER_CLASS_SENSITIVE:
			return is_processed(column) ? TIER_SENSITIVE_PROCESSED : TIER_SENSITIVE_RAW;
		default:
			return TIER_ORDINARY;
	}
}
