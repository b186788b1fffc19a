/*
 * grade.h
 *		Risk tiers: what a result reveals, as a set of codes, and the tier that follows.
 *
 * A code says one thing about one stage of a result: what it holds ("result"), where it was
 * computed ("computation"), how it reaches the client ("transmission"); or it raises the
 * tier: how many individuals are covered ("scale"), what the release costs ("epsilon"), what
 * its account has spent in its lifetime ("lifetime").  The worst stage wins, and each raise
 * adds a tier, up to high.
 *
 * Source of the rules: "Privacy-preserving computation and compliance applications", China
 * Academy of Information and Communications Technology (2021); direct and quasi-identifiers
 * as in GB/T 37964-2019, 3.7 and 3.8.  This is plain C without PostgreSQL.
 */
#ifndef DP_TIER_GRADE_H
#define DP_TIER_GRADE_H

#include <stdbool.h>
#include <stdint.h>

/* The tiers, in the order of risk.  Zero is none, so that memory nobody wrote is no tier. */
typedef enum DpTier
{
	DP_TIER_NONE,
	DP_TIER_LOW,
	DP_TIER_MEDIUM,
	DP_TIER_HIGH
} DpTier;

/* The codes, in the order of stages.  Numbers are kept in no table: names are (tier_code_name). */
typedef enum TierCode
{
	/* stage "result" */
	TIER_STATISTIC,				/* differentially private, of enough individuals */
	TIER_DIRECT_RAW,
	TIER_DIRECT_KEY_HELD,		/* encrypted, and the receiver holds the key, or may */
	TIER_DIRECT_MASKED_LIGHTLY, /* more than TIER_MASKED_REMAINING characters remain */
	TIER_DIRECT_GENERALISED,
	TIER_DIRECT_PSEUDONYMISED,
	TIER_DIRECT_MASKED,
	TIER_DIRECT_ENCRYPTED,		/* the receiver lacks the key */
	TIER_QUASI_RAW,
	TIER_QUASI_PROCESSED,
	TIER_SENSITIVE_RAW,
	TIER_SENSITIVE_PROCESSED,
	TIER_ORDINARY,
	/* stage "computation" */
	TIER_CENTRAL,				/* on this server */
	TIER_WORKERS,				/* on several servers */
	TIER_TRUSTED_DECLARED,		/* in a trusted execution environment, as is declared */
	/* stage "transmission" */
	TIER_LOCAL,					/* within the machine: a local socket, or no client at all */
	TIER_ENCRYPTED,				/* SSL or GSSAPI encryption */
	TIER_PLAIN,					/* TCP in the clear, which is set to be medium */
	TIER_PLAIN_HIGH,			/* TCP in the clear, which is set to be high */
	/* raises */
	TIER_LARGE_SCALE,
	TIER_UNKNOWN_SCALE,			/* raises nothing: nobody has declared how many there are */
	TIER_LARGE_EPSILON,
	TIER_LARGE_LIFETIME,
	TIER_CODES
} TierCode;

/* A set of codes: bit 1 << code of each. */
typedef uint32_t TierCodes;

#define TIER_BIT(code) ((TierCodes) 1 << (code))

/* The most characters that may remain of a masked value of which "most" was masked. */
#define TIER_MASKED_REMAINING 4

/* Classes of columns, as dp_agg.classify() knows them. */
typedef enum TierClass
{
	TIER_CLASS_NONE,			/* not classified */
	TIER_CLASS_DIRECT,
	TIER_CLASS_QUASI,
	TIER_CLASS_SENSITIVE,
	TIER_CLASS_ORDINARY
} TierClass;

/* What was done to the values of a column before they were stored. */
typedef enum TierProcessing
{
	TIER_RAW,
	TIER_PROCESSING_MASKED,
	TIER_PROCESSING_GENERALISED,
	TIER_PROCESSING_PSEUDONYMISED,
	TIER_PROCESSING_ENCRYPTED
} TierProcessing;

/* How a column is classified. */
typedef struct TierColumn
{
	TierClass	class;
	TierProcessing processing;
	int			remaining;		/* characters that remain of a masked value; -1: not known */
	bool		key_held;		/* encrypted: the receiver of results holds the key, or may */
} TierColumn;

extern DpTier tier_grade(TierCodes codes);
extern DpTier tier_of_code(TierCode code);
extern const char *tier_name(DpTier tier);
extern const char *tier_code_name(TierCode code);
extern TierCode tier_of_column(const TierColumn *column);

#endif							/* DP_TIER_GRADE_H */
