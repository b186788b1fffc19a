/*
 * test_tier.c
 *		The tier of a result, as the rules of the study give it: a table of what a result
 *		holds, where it was computed, how it was sent, how many people it covers and what it
 *		costs, each line with its tier.
 */
#include <string.h>

#include "tap.h"
#include "tier/grade.h"

/* What the lines of the table are made of. */
typedef enum Holds
{
	STATISTIC,
	DIRECT,
	QUASI,
	SENSITIVE,
	ORDINARY,
	UNCLASSIFIED
} Holds;

typedef enum Done
{
	AS_IT_IS,
	MASKED_FEW,					/* eight characters remain */
	MASKED_MOST,				/* four remain */
	MASKED_UNKNOWN,
	GENERALISED,
	PSEUDONYMS,
	ENCRYPTED,
	ENCRYPTED_KEY_HELD
} Done;

typedef enum Where
{
	HERE,
	WORKERS,
	TRUSTED						/* as is declared */
} Where;

typedef enum Sent
{
	LOCAL,
	OVER_SSL,
	PLAIN,
	PLAIN_HIGH
} Sent;

typedef enum Raises
{
	NO_RAISE = 0,
	LARGE = 1,					/* very many individuals */
	UNKNOWN = 2,				/* nobody said how many */
	EPSILON = 4,
	LIFETIME = 8
} Raises;

typedef struct Case
{
	Holds		holds;
	Done		done;
	Where		where;
	Sent		sent;
	int			raises;
	const char *tier;
} Case;

static const Case cases[] =
{
	/* what the result holds */
	{STATISTIC, AS_IT_IS, HERE, LOCAL, NO_RAISE, "low"},
	{DIRECT, AS_IT_IS, HERE, LOCAL, NO_RAISE, "high"},
	{DIRECT, MASKED_FEW, HERE, LOCAL, NO_RAISE, "medium"},
	{DIRECT, MASKED_UNKNOWN, HERE, LOCAL, NO_RAISE, "medium"},
	{DIRECT, MASKED_MOST, HERE, LOCAL, NO_RAISE, "low"},
	{DIRECT, GENERALISED, HERE, LOCAL, NO_RAISE, "medium"},
	{DIRECT, PSEUDONYMS, HERE, LOCAL, NO_RAISE, "medium"},
	{DIRECT, ENCRYPTED, HERE, LOCAL, NO_RAISE, "low"},
	{DIRECT, ENCRYPTED_KEY_HELD, HERE, LOCAL, NO_RAISE, "high"},
	{QUASI, AS_IT_IS, HERE, LOCAL, NO_RAISE, "medium"},
	{QUASI, MASKED_FEW, HERE, LOCAL, NO_RAISE, "medium"},
	{QUASI, MASKED_UNKNOWN, HERE, LOCAL, NO_RAISE, "medium"},
	{QUASI, MASKED_MOST, HERE, LOCAL, NO_RAISE, "low"},
	{QUASI, GENERALISED, HERE, LOCAL, NO_RAISE, "low"},
	{QUASI, PSEUDONYMS, HERE, LOCAL, NO_RAISE, "low"},
	{QUASI, ENCRYPTED, HERE, LOCAL, NO_RAISE, "low"},
	{QUASI, ENCRYPTED_KEY_HELD, HERE, LOCAL, NO_RAISE, "medium"},
	{SENSITIVE, AS_IT_IS, HERE, LOCAL, NO_RAISE, "medium"},
	{SENSITIVE, GENERALISED, HERE, LOCAL, NO_RAISE, "low"},
	{SENSITIVE, ENCRYPTED, HERE, LOCAL, NO_RAISE, "low"},
	{SENSITIVE, ENCRYPTED_KEY_HELD, HERE, LOCAL, NO_RAISE, "medium"},
	{ORDINARY, AS_IT_IS, HERE, LOCAL, NO_RAISE, "low"},
	{UNCLASSIFIED, AS_IT_IS, HERE, LOCAL, NO_RAISE, "low"},

	/* the weakest stage wins, whichever it is */
	{STATISTIC, AS_IT_IS, HERE, OVER_SSL, NO_RAISE, "low"},
	{STATISTIC, AS_IT_IS, HERE, PLAIN, NO_RAISE, "medium"},
	{STATISTIC, AS_IT_IS, HERE, PLAIN_HIGH, NO_RAISE, "high"},
	{STATISTIC, AS_IT_IS, WORKERS, LOCAL, NO_RAISE, "medium"},
	{STATISTIC, AS_IT_IS, WORKERS, PLAIN, NO_RAISE, "medium"},
	{STATISTIC, AS_IT_IS, WORKERS, PLAIN_HIGH, NO_RAISE, "high"},
	{STATISTIC, AS_IT_IS, TRUSTED, LOCAL, NO_RAISE, "low"},
	{STATISTIC, AS_IT_IS, TRUSTED, PLAIN, NO_RAISE, "medium"},
	{DIRECT, PSEUDONYMS, HERE, PLAIN, NO_RAISE, "medium"},
	{DIRECT, PSEUDONYMS, HERE, PLAIN_HIGH, NO_RAISE, "high"},
	{DIRECT, ENCRYPTED, HERE, PLAIN, NO_RAISE, "medium"},
	{DIRECT, AS_IT_IS, TRUSTED, OVER_SSL, NO_RAISE, "high"},
	{QUASI, GENERALISED, WORKERS, OVER_SSL, NO_RAISE, "medium"},
	{ORDINARY, AS_IT_IS, HERE, PLAIN_HIGH, NO_RAISE, "high"},

	/* scale, epsilon and lifetime raise by one each, up to high */
	{STATISTIC, AS_IT_IS, HERE, LOCAL, UNKNOWN, "low"},
	{STATISTIC, AS_IT_IS, HERE, LOCAL, LARGE, "medium"},
	{STATISTIC, AS_IT_IS, HERE, LOCAL, EPSILON, "medium"},
	{STATISTIC, AS_IT_IS, HERE, LOCAL, LIFETIME, "medium"},
	{STATISTIC, AS_IT_IS, HERE, LOCAL, LARGE | EPSILON, "high"},
	{STATISTIC, AS_IT_IS, HERE, LOCAL, EPSILON | LIFETIME | UNKNOWN, "high"},
	{STATISTIC, AS_IT_IS, HERE, LOCAL, LARGE | EPSILON | LIFETIME, "high"},
	{STATISTIC, AS_IT_IS, HERE, PLAIN, LARGE, "high"},
	{STATISTIC, AS_IT_IS, HERE, PLAIN, UNKNOWN, "medium"},
	{STATISTIC, AS_IT_IS, TRUSTED, OVER_SSL, EPSILON, "medium"},
	{QUASI, AS_IT_IS, HERE, LOCAL, LARGE, "high"},
	{QUASI, GENERALISED, HERE, LOCAL, LARGE, "medium"},
	{DIRECT, MASKED_MOST, HERE, OVER_SSL, LARGE, "medium"},
	{DIRECT, PSEUDONYMS, HERE, LOCAL, LARGE, "high"},
	{DIRECT, AS_IT_IS, HERE, LOCAL, LARGE, "high"},
};

#define NCASES ((int) (sizeof(cases) / sizeof(cases[0])))

static const char *const holds_names[] = {"a statistic", "direct identifiers", "quasi-identifiers",
	"sensitive values", "ordinary values", "values nobody classified"};
static const char *const done_names[] = {"", ", few characters masked", ", most characters masked",
	", masked, nobody says how", ", generalised", ", as pseudonyms", ", encrypted",
	", encrypted with a key that the receiver holds"};
static const char *const where_names[] = {"here", "on workers", "in a declared environment"};
static const char *const sent_names[] = {"local", "SSL", "plain", "plain, which is high"};

/* The code of what the result holds. */
static TierCode
result_code(const Case *c)
{
	static const TierClass classes[] = {TIER_CLASS_NONE, TIER_CLASS_DIRECT, TIER_CLASS_QUASI,
		TIER_CLASS_SENSITIVE, TIER_CLASS_ORDINARY, TIER_CLASS_NONE};
	static const TierProcessing processing[] = {TIER_RAW, TIER_PROCESSING_MASKED,
		TIER_PROCESSING_MASKED, TIER_PROCESSING_MASKED, TIER_PROCESSING_GENERALISED,
		TIER_PROCESSING_PSEUDONYMISED, TIER_PROCESSING_ENCRYPTED, TIER_PROCESSING_ENCRYPTED};
	TierColumn	column = {classes[c->holds], processing[c->done], -1, false};

	if (c->holds == STATISTIC)
		return TIER_STATISTIC;
	if (c->done == MASKED_FEW)
		column.remaining = 8;
	if (c->done == MASKED_MOST)
		column.remaining = TIER_MASKED_REMAINING;
	column.key_held = c->done == ENCRYPTED_KEY_HELD;
	return tier_of_column(&column);
}

/* All codes of a line of the table. */
static TierCodes
codes_of(const Case *c)
{
	static const TierCode sent[] = {TIER_LOCAL, TIER_ENCRYPTED, TIER_PLAIN, TIER_PLAIN_HIGH};
	TierCodes	codes = TIER_BIT(result_code(c)) | TIER_BIT(sent[c->sent]);

	codes |= TIER_BIT(c->where == WORKERS ? TIER_WORKERS : TIER_CENTRAL);
	if (c->where == TRUSTED)
		codes |= TIER_BIT(TIER_TRUSTED_DECLARED);
	if (c->raises & LARGE)
		codes |= TIER_BIT(TIER_LARGE_SCALE);
	if (c->raises & UNKNOWN)
		codes |= TIER_BIT(TIER_UNKNOWN_SCALE);
	if (c->raises & EPSILON)
		codes |= TIER_BIT(TIER_LARGE_EPSILON);
	if (c->raises & LIFETIME)
		codes |= TIER_BIT(TIER_LARGE_LIFETIME);
	return codes;
}

static void
test_cases(void)
{
	for (int i = 0; i < NCASES; i++)
	{
		const Case *c = &cases[i];
		const char *tier = tier_name(tier_grade(codes_of(c)));

		tap_ok(tier != NULL && strcmp(tier, c->tier) == 0, "%s: %s%s, %s, %s%s%s%s%s", c->tier,
			   holds_names[c->holds], done_names[c->done], where_names[c->where],
			   sent_names[c->sent], c->raises & LARGE ? ", very many" : "",
			   c->raises & UNKNOWN ? ", how many is not known" : "",
			   c->raises & EPSILON ? ", a large epsilon" : "",
			   c->raises & LIFETIME ? ", a large epsilon in the lifetime" : "");
	}
}

/* No code, and no raise alone, is a tier. */
static void
test_nothing(void)
{
	tap_ok(tier_grade(0) == DP_TIER_NONE && tier_name(DP_TIER_NONE) == NULL,
		   "nothing has no tier");
	tap_ok(tier_grade(TIER_BIT(TIER_LARGE_SCALE) | TIER_BIT(TIER_LARGE_EPSILON)) == DP_TIER_NONE,
		   "raises alone make no tier");
}

/* One code more never lowers a tier. */
static void
test_monotone(void)
{
	bool		monotone = true;

	for (int i = 0; i < NCASES; i++)
	{
		TierCodes	codes = codes_of(&cases[i]);

		for (int code = 0; code < TIER_CODES; code++)
			monotone = monotone && tier_grade(codes | TIER_BIT(code)) >= tier_grade(codes);
	}
	tap_ok(monotone, "one code more never lowers a tier");
}

/* Tables hold names: each code has one of its own, stage first, without blanks. */
static void
test_names(void)
{
	bool		good = true;

	for (int code = 0; code < TIER_CODES; code++)
	{
		const char *name = tier_code_name(code);

		good = good && name != NULL && strchr(name, ' ') == NULL && strchr(name, '.') != NULL;
		for (int other = 0; good && other < code; other++)
			good = strcmp(name, tier_code_name(other)) != 0;
	}
	tap_ok(good, "each code has a name of its own, with its stage");
}

int
main(void)
{
	tap_plan(NCASES + 4);
	test_cases();
	test_nothing();
	test_monotone();
	test_names();
	return tap_done();
}
