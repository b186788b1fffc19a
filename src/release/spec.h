/*
 * spec.h
 *		The description of one release: made by the rewriter, carried as a bytea
 *		Const through the plan, read by the collector and the sealed node.
 *
 * Coordinates.  The vector of a group has coordinate 0 for the number of
 * individuals (contribution 1) and, for each count or sum the outputs need,
 * one more coordinate in [-1, 1]:
 *
 *		count of argument j		2 * min(n, r) / r - 1
 *		sum of argument j		(1/r) * (sum over the rows of y, scaled by r/n when
 *								the individual has n > r rows, plus c for each of
 *								the r - n values it has less than r)
 *
 * with y = (x - mid) / half clamped to [-1, 1].  Counts are centred like
 * values are: an individual that is present has a count in [0, r], so the
 * centred coordinate uses the whole interval and the count read back from it,
 * r * (c + N) / 2, has half the variance of an uncentred one.
 *
 * What is imputed for missing values (c) makes some counts unnecessary:
 *
 *	- c = 0 ("centre") leaves sums as they are; a count beside it gives averages.
 *	- c = -1 and c = +1 ("lower", "upper") as a pair give the sum, half their
 *	  sum, with half the variance, and the count, from their difference: best
 *	  where only an average is asked for.
 *	- c at the value 0 ("zero") gives the total without any count, if 0 lies
 *	  within the bounds.
 *
 * Parameters of the release (epsilon, delta, bounds, ...) are expressions:
 * constants, or the client's external parameters.  They travel beside the
 * description as one float8[] argument, so that a generic plan works too.
 */
#ifndef DP_SPEC_H
#define DP_SPEC_H

#include "postgres.h"

#include "mechanism/noise.h"

#define DP_MAX_ARGUMENTS 32
#define DP_MAX_OUTPUTS 64
#define DP_NO_COORDINATE (-1)
#define DP_SPEC_ID_BYTES 16
#define DP_MAX_PROOFS 32

/* Positions in the parameter array; bounds follow in pairs. */
enum
{
	DP_PARAM_EPSILON,
	DP_PARAM_DELTA,
	DP_PARAM_GROUPS,
	DP_PARAM_ROWS,
	DP_PARAM_FIRST_BOUND
};

/* How an argument's values are read. */
typedef enum SpecArgType
{
	SPEC_ARG_ANY,				/* only tested for NULL */
	SPEC_ARG_INT2,
	SPEC_ARG_INT4,
	SPEC_ARG_INT8,
	SPEC_ARG_FLOAT4,
	SPEC_ARG_FLOAT8,
	SPEC_ARG_NUMERIC
} SpecArgType;

/* What a sum's coordinate takes for values that are not there. */
typedef enum SpecImputation
{
	SPEC_IMPUTE_CENTRE,
	SPEC_IMPUTE_LOWER,
	SPEC_IMPUTE_UPPER,
	SPEC_IMPUTE_ZERO,
	SPEC_IMPUTATIONS			/* how many there are */
} SpecImputation;

typedef struct SpecArgument
{
	SpecArgType type;
	bool		presence;		/* count individuals with a value, not rows */
	bool		not_null;		/* every row has a value */
	int16		bound;			/* position of lower in the parameters, or 0 */
	int16		count_coordinate;	/* or DP_NO_COORDINATE */
	int16		sum_coordinate[SPEC_IMPUTATIONS];	/* or DP_NO_COORDINATE */
} SpecArgument;

typedef enum SpecOutputKind
{
	SPEC_OUT_COUNT,
	SPEC_OUT_SUM,
	SPEC_OUT_AVG
} SpecOutputKind;

/* Where an output's sum and count come from. */
typedef enum SpecSource
{
	SPEC_FROM_COUNT,			/* a count, and a sum with centre imputation */
	SPEC_FROM_PAIR,				/* the sums with lower and upper imputation */
	SPEC_FROM_ZERO				/* the sum with zero imputation: totals only */
} SpecSource;

typedef struct SpecOutput
{
	SpecOutputKind kind;
	SpecSource	source;
	int16		argument;		/* of the collector, or -1: counts rows */
	int16		count_coordinate;	/* 0: the count is that of individuals */
	int16		sum_coordinate; /* centre, lower or zero */
	int16		upper_coordinate;	/* of a pair */
	int16		bound;
	bool		presence;
	bool		integral;		/* a sum of integers: rounded */
	Oid			type;			/* result type */
} SpecOutput;

typedef struct ReleaseSpec
{
	int32		vl_len_;		/* varlena header; use VARSIZE */
	unsigned char id[DP_SPEC_ID_BYTES]; /* made by this planning, unguessable */
	Oid			relid;			/* first protected relation, for messages */
	NameData	population;
	int32		dimensions;		/* coordinates in all, at least 1 */
	int32		nkeys;
	int32		nparams;
	int32		narguments;
	int32		noutputs;
	bool		streamed;		/* one row per individual: k = r = 1 */
	bool		grouped;		/* has group keys; else k = 1 */
	bool		account_required;
	uint64		explicit_bounds;	/* bit per position: written by the analyst */
	int32		nproofs;
	Oid			proofs[DP_MAX_PROOFS];	/* unique indexes that "streamed" rests on */
	SpecArgument arguments[DP_MAX_ARGUMENTS];
	SpecOutput	outputs[DP_MAX_OUTPUTS];
	char		relations[256]; /* for the ledger */
	char		output_names[512];	/* for the ledger */
} ReleaseSpec;

/* The parameters of one execution, checked. */
typedef struct ReleaseParams
{
	int64		epsilon_nano;
	int64		delta_atto;
	int64		groups;			/* k that the mechanism uses (1 if ungrouped) */
	int64		rows;			/* r */
	const double *values;		/* the whole array, for the bounds */
} ReleaseParams;

extern void spec_read_params(const ReleaseSpec *spec, const double *values,
							 ReleaseParams *params);
extern void spec_null_parameter(void) pg_attribute_noreturn();
extern void spec_check_bounds(double lower, double upper, bool may_be_equal);

#endif							/* DP_SPEC_H */
