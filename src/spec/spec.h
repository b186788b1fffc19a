/*
 * spec.h
 *		The description of one release: made by the rewriter, carried through the
 *		plan as bytes (serialise.h), read by the collector, the sketches and the
 *		sealed node.
 *
 * A release consists of parts, each a mechanism with its own share of epsilon
 * and delta: at most one numeric vector, and any number of selections.
 *
 * The numeric vector.  A group's coordinate 0 counts individuals (contribution
 * 1).  Every other coordinate lies in [-1, 1] and is made from a feature of
 * rows: a function phi of a row's values, defined on the rows of a set ("x has
 * a value", "x and y have values"):
 *
 *		one		1
 *		x		(x - mid) / half, clamped to [-1, 1]
 *		xx		2 x^2 - 1, of that x
 *		xy		the product of two such values
 *
 * An individual with n rows in the set contributes
 *
 *		(sum of phi over these rows + c * max(r - n, 0)) / max(n, r)
 *
 * that is, its own mean if it has more than r = max_rows rows, while c is
 * imputed for each row it has less than r.  What is imputed decides about the
 * noise (doc/privacy.md):
 *
 *	- a count imputes -1, so it is 2n/r - 1 and uses all of [-1, 1]: half the
 *	  variance of n/r, when read back;
 *	- "centre" (0) leaves sums as they are; beside a count they give averages;
 *	- "lower" and "upper" (-1 and 1) as a pair give the sum, half their sum,
 *	  with half the variance, and the count, from their difference: best where
 *	  an average stands alone;
 *	- "zero" (where x is 0) gives a sum without any count.
 *
 * A coordinate may also say whether an individual has any rows in the set ("presence"), or more
 * than r ("clipped"): 1 if so, else -1.
 *
 * Outputs read the vector back through moments: linear combinations of
 * coordinates, times r.  A sum or average of a linear combination of arguments is made of the
 * sums of these, its terms, and of the number of rows.
 *
 * Selections.  A sketch is a mergeable summary of one argument beside the
 * vector: weights of cells, of values, or the set of distinct values.  A part
 * chooses from it.  The number of distinct values is a coordinate like others.
 * A part gates itself and spends delta on that, unless the vector's gate has
 * decided about the same individuals (spec_part_is_gated).
 *
 * By total.  Where an individual may have rows in several groups, the vector can be bounded over
 * all of them at once (by_total).  Coordinate 0 is then the individual's weight in the group,
 * n/T for n rows (at most r of a group count), T = max_total or what kept groups can have.  Others are sums of phi over the
 * rows of a set, divided by T, and c for each row that is not in the set.  One factor scales all
 * that an individual adds, so that the largest coordinates of its groups sum up to one at most; or, for
 * Gaussian noise, so that the Euclidean norm of all it adds is the root of the number of coordinates
 * at most, or of a part of that that is declared (norm; aggregate/clip.c).
 *
 * In sketches of cells each of its n rows in the group weighs 1/T, by the same factors: min(n, r)/n, and
 * what scales the individual.  So all its rows in all groups weigh one at most.
 *
 * A sum whose argument has bounds over the release (total) is not divided by T.  Beside such sums
 * the weight is the larger of n/T and the largest of them, at most r/T, and the number of rows is
 * a coordinate of its own (weighed), 2n/T less the weight.
 *
 * Parameters of the release (epsilon, delta, bounds, ...) are expressions:
 * constants, or the client's external parameters.  They travel beside the
 * description as one float8[] argument, so that a generic plan works too.
 */
#ifndef DP_SPEC_H
#define DP_SPEC_H

#include "postgres.h"

#include "core/compat.h"

#include "mechanism/gaussian_noise.h"
#include "mechanism/noise.h"
#include "spec/arg_type.h"

/*
 * Most entries of each kind in a description.  What a query meets first is meant to be the
 * number of coordinates, parts, order statistics or outputs: a coordinate has at most one
 * argument of its own, one set of rows and two features, and an order statistic at most four parameters.
 */
#define DP_MAX_ARGUMENTS 64
#define DP_MAX_SETS 64
#define DP_MAX_FEATURES 128
#define DP_MAX_MOMENTS 256
#define DP_MOMENT_TERMS 6
#define DP_MAX_SKETCHES 64
#define DP_MAX_PARTS 64
#define DP_MAX_TARGETS 128
#define DP_MAX_OUTPUTS 128
#define DP_MAX_PARAMS 384
/* Most outputs that are not made of what others need, too. */
#define DP_MAX_OWN_OUTPUTS 64
/* Most terms of all outputs, and of one. */
#define DP_MAX_TERMS 512
#define DP_FORM_TERMS 8
/* Instead of an index: there is none. */
#define DP_NONE (-1)
#define DP_SPEC_ID_BYTES 16
#define DP_MAX_PROOFS 32
#define DP_MAX_REFERENCES 8

/* Instead of a norm: that of max_rows in each of max_groups groups, where max_total is not declared. */
#define DP_NORM_OF_LIMITS (-1)

/* By how much the Euclidean norm of an individual's rows may be less than max_total. */
#define DP_MAX_SHORTENING 32

/* Largest magnitude of a bound: squares and sums of it stay finite. */
#define DP_LARGEST_BOUND 1e120

/* Positions in the parameter array; the others follow in any order. */
enum
{
	DP_PARAM_EPSILON,
	DP_PARAM_DELTA,
	DP_PARAM_GROUPS,
	DP_PARAM_ROWS,
	DP_PARAM_TOTAL,
	DP_PARAM_FIRST_OTHER
};

/* What a parameter is, and so which values it may have. */
typedef enum SpecParamKind
{
	SPEC_PARAM_SETTING,			/* one of the positions above */
	SPEC_PARAM_LOWER_WRITTEN,	/* lower bound that the analyst wrote; its upper one follows */
	SPEC_PARAM_LOWER_DERIVED,	/* lower bound from declared ones; its upper one follows */
	SPEC_PARAM_UPPER,			/* upper bound */
	SPEC_PARAM_FRACTION,		/* fraction of a quantile, 0 .. 1 */
	SPEC_PARAM_LEVEL,			/* level of confidence, above 0, at most DP_MAX_LEVEL */
	SPEC_PARAM_NUMBER			/* number of buckets or values, 1 .. DP_MAX_BUCKETS */
} SpecParamKind;

#define DP_MAX_BUCKETS 1000

/* Largest level of confidence: intervals are simulated, and cannot tell rarer cases. */
#define DP_MAX_LEVEL 0.999

/* An argument of aggregates: an expression that the collector reads in each row. */
typedef struct SpecArgument
{
	SpecArgType type;
	int32		typmod;			/* of NUMERIC: precision and scale, as in PostgreSQL; else -1 */
	int16		bound;			/* position of its lower bound in the parameters, or 0 */
	bool		total;			/* the bounds are of its sum in a whole release */
} SpecArgument;

/* The rows in which one or two arguments have a value. */
typedef struct SpecSet
{
	int16		x;				/* argument that has a value there; DP_NONE: all rows */
	int16		y;				/* second such argument, or DP_NONE */
	bool		every_row;		/* the arguments are never NULL: every row is in the set */
} SpecSet;

/* The functions phi of the values of a row; see above. */
typedef enum SpecFeatureKind
{
	SPEC_FEATURE_ONE,
	SPEC_FEATURE_X,
	SPEC_FEATURE_Y,
	SPEC_FEATURE_XX,
	SPEC_FEATURE_YY,
	SPEC_FEATURE_XY
} SpecFeatureKind;

/* A function phi on the rows of a set. */
typedef struct SpecFeature
{
	SpecFeatureKind kind;
	int16		set;			/* set of rows on which it is defined */
	int16		ones;			/* feature that counts the rows of that set */
} SpecFeature;

/* The value c that a coordinate takes for each row that an individual has less than r. */
typedef enum SpecImputation
{
	SPEC_IMPUTE_CENTRE,
	SPEC_IMPUTE_LOWER,
	SPEC_IMPUTE_UPPER,
	SPEC_IMPUTE_ZERO
} SpecImputation;

/* A coordinate of the vector, except for the first, which counts individuals. */
typedef struct SpecCoordinate
{
	int16		feature;		/* feature that it sums up, or DP_NONE */
	int16		sketch;			/* sketch whose distinct values it counts, or DP_NONE */
	SpecImputation imputation;
	bool		presence;		/* tells whether an individual has a row of the set, not how
								 * many */
	bool		clipped;		/* tells whether an individual has more rows of the set than r */
	int16		copy;			/* number of this one among equal ones, each with its own
								 * noise */
} SpecCoordinate;

/* A linear combination: factor * sum of weight * coordinate, where factor is r or 1. */
typedef struct SpecMoment
{
	bool		individuals;	/* the factor is 1: individuals are counted, not rows */
	int16		nterms;
	struct
	{
		int16		coordinate;
		double		weight;
	}			terms[DP_MOMENT_TERMS];
} SpecMoment;

/* What a sketch keeps of the values of its argument. */
typedef enum SpecSketchKind
{
	SPEC_SKETCH_CELLS,			/* weights of the cells of a grid */
	SPEC_SKETCH_VALUES,			/* weights of the values themselves */
	SPEC_SKETCH_DISTINCT		/* the set of values */
} SpecSketchKind;

/* How a sketch of CELLS divides numbers into cells (domain.h). */
typedef enum SpecScheme
{
	SPEC_SCHEME_GRID,			/* points for order statistics */
	SPEC_SCHEME_BUCKETS,		/* of equal width */
	SPEC_SCHEME_BINS			/* of doubling width, both signs, without bounds */
} SpecScheme;

/* A summary of one argument, from which parts choose. */
typedef struct SpecSketch
{
	SpecSketchKind kind;
	SpecScheme	scheme;			/* how cells divide the values; CELLS only */
	SpecArgType type;
	int32		typmod;			/* as of an argument; of VALUES the type modifier, whatever
								 * the type */
	Oid			value_type;		/* type of the argument */
	Oid			collation;		/* collation of the argument */
	int16		bound;			/* position of the lower bound in the parameters, or 0 */
	int16		buckets;		/* position of the number of buckets in the parameters, or 0 */
	bool		complete;		/* each individual of a group has a value in it; CELLS only */
	bool		shares;			/* the rows of an individual weigh one in all, also where they
								 * are fewer than max_rows: nobody counts rows; VALUES only */
} SpecSketch;

/* What a part chooses from its sketch. */
typedef enum SpecPartKind
{
	SPEC_PART_RANKS,			/* order statistics (mechanism/rank.c) */
	SPEC_PART_MODE,				/* the most frequent value (mechanism/sparse.c) */
	SPEC_PART_TOP,				/* frequent values and their weights */
	SPEC_PART_HISTOGRAM,		/* the weights of all cells */
	SPEC_PART_BOUNDS			/* the range of bins that holds most values */
} SpecPartKind;

/* A mechanism of the release beside the numeric vector. */
typedef struct SpecPart
{
	SpecPartKind kind;
	int16		sketch;			/* sketch that it chooses from */
	int16		ntargets;		/* number of order statistics; RANKS only */
} SpecPart;

/* What an output or target is: a value, or an end of the interval around it. */
typedef enum SpecEnd
{
	SPEC_END_NONE,				/* the value itself */
	SPEC_END_LOW,				/* lower end of an interval around it */
	SPEC_END_HIGH				/* upper end of an interval around it */
} SpecEnd;

/* Which order statistic a target is. */
typedef enum SpecTargetKind
{
	SPEC_TARGET_QUANTILE,
	SPEC_TARGET_MIN,
	SPEC_TARGET_MAX
} SpecTargetKind;

/* An order statistic that a part chooses. */
typedef struct SpecTarget
{
	SpecTargetKind kind;
	SpecEnd		end;
	int16		part;			/* part that chooses it */
	int16		fraction;		/* position of the fraction p in the parameters, or 0 */
	bool		reversed;		/* the quantile at 1 - p is meant, not that at p */
	int16		level;			/* position of the level in the parameters, or 0 */
} SpecTarget;

/* To how many digits a number is rounded, after the noise. */
typedef enum SpecRounding
{
	SPEC_ROUND_NONE,			/* it is shown as it is */
	SPEC_ROUND_SCALE,			/* to "scale" digits after the point, as its argument has */
	SPEC_ROUND_WIDTH			/* to what bounds of this width leave meaningful, and at least
								 * to "scale" digits */
} SpecRounding;

typedef struct SpecDigits
{
	SpecRounding rounding;
	int16		scale;			/* may be negative */
} SpecDigits;

/* A term of a linear combination: weight times the sum of an argument. */
typedef struct SpecTerm
{
	double		weight;
	int16		bound;			/* position of its lower bound in the parameters */
	int16		n;				/* moment: the number of rows that its sum is over */
	int16		x;				/* moment: the sum, of centred values in units of half */
	SpecDigits	digits;			/* of the sum, when it is shown by itself */
} SpecTerm;

/* What an output is computed as; names are those of the standard aggregates. */
typedef enum SpecOutputKind
{
	/* from moments */
	SPEC_OUT_COUNT,
	SPEC_OUT_SUM,
	SPEC_OUT_AVG,
	SPEC_OUT_VAR_POP,
	SPEC_OUT_VAR_SAMP,
	SPEC_OUT_STDDEV_POP,
	SPEC_OUT_STDDEV_SAMP,
	SPEC_OUT_COVAR_POP,
	SPEC_OUT_COVAR_SAMP,
	SPEC_OUT_CORR,
	SPEC_OUT_SLOPE,
	SPEC_OUT_INTERCEPT,
	SPEC_OUT_R2,
	SPEC_OUT_AVGX,
	SPEC_OUT_AVGY,
	SPEC_OUT_SXX,
	SPEC_OUT_SYY,
	SPEC_OUT_SXY,
	/* from parts */
	SPEC_OUT_RANK,				/* one order statistic */
	SPEC_OUT_RANKS,				/* an array of them */
	SPEC_OUT_MODE,
	SPEC_OUT_TOP,
	SPEC_OUT_HISTOGRAM,
	SPEC_OUT_BOUNDS,
	/* from neither */
	SPEC_OUT_TIER,				/* the risk tier of the row */
	/* from moments: those of kind N and X are numbers of individuals */
	SPEC_OUT_CLIPPED,			/* share of individuals with more rows than count */
	SPEC_OUT_ANY,				/* does the number X stand out of its noise? */
	SPEC_OUT_NONE,				/* the opposite */
	/* from the values that a part of kind TOP has released */
	SPEC_OUT_FIRST,				/* the first of them in an order */
	SPEC_OUT_LIST				/* all of them in an order, as an array */
} SpecOutputKind;

/* The moments an output may need; x is the independent variable of a pair. */
typedef enum SpecMomentKind
{
	SPEC_MOMENT_N,
	SPEC_MOMENT_X,
	SPEC_MOMENT_Y,
	SPEC_MOMENT_XX,
	SPEC_MOMENT_YY,
	SPEC_MOMENT_XY,
	SPEC_MOMENT_KINDS
} SpecMomentKind;

/* An output: what one aggregate of the query becomes. */
typedef struct SpecOutput
{
	SpecOutputKind kind;
	SpecEnd		end;
	int16		level;			/* position of the level in the parameters, or 0 */
	Oid			type;			/* type of the result */
	SpecDigits	digits;
	double		shift;			/* with terms: times the number of rows, beside them */
	int16		first_term;		/* first of its terms */
	int16		nterms;			/* number of its terms; 0: its own moments say it all */
	int16		bound_x;		/* position of the lower bound of x in the parameters, or 0 */
	int16		bound_y;		/* position of the lower bound of y in the parameters, or 0 */
	int16		moments[SPEC_MOMENT_KINDS]; /* moments that it needs, or DP_NONE */
	int16		part;			/* part that it reads, if it is not from moments */
	int16		first_target;	/* first of its targets */
	int16		ntargets;		/* number of its targets */
	int16		number;			/* position of a number of values in the parameters, or 0 */
	Oid			order;			/* operator that sorts the values, of FIRST and LIST; else
								 * invalid */
	char		name[NAMEDATALEN];	/* name for the ledger, as in avg(x) */
} SpecOutput;

/* Bytes of the keys of a grouping set, as text. */
#define DP_SET_NAME 128

/*
 * Which of several grouping sets a release is.  Together they are paid for as one: each has a
 * share of the price.
 */
typedef struct SpecGrouping
{
	unsigned char id[DP_SPEC_ID_BYTES]; /* the same for all that are paid together */
	int16		number;			/* which of them it is, from 1; 0: it is paid by itself */
	int16		count;			/* how many there are */
	int32		part;			/* its share: part / whole of epsilon and delta; the parts of */
	int32		whole;			/* all add up to the whole at most */
	char		name[DP_SET_NAME];	/* its keys, as in (clinic, sex) */
} SpecGrouping;

/* The description itself: what the release is made of, in arrays with their lengths before. */
typedef struct ReleaseSpec
{
	unsigned char id[DP_SPEC_ID_BYTES]; /* made by this planning, unguessable */
	Oid			relid;			/* first protected relation, for messages */
	NameData	population;
	int32		dimensions;		/* number of coordinates, at least 1 */
	int32		nkeys;			/* number of group keys */
	int32		nparams;
	int32		narguments;
	int32		nsets;
	int32		nfeatures;
	int32		nmoments;
	int32		nsketches;
	int32		nparts;
	int32		ntargets;
	int32		noutputs;
	int32		nterms;
	bool		numeric;		/* the vector is released; else it only counts individuals */
	bool		streamed;		/* each individual has one row: k = r = 1 */
	bool		grouped;		/* there are group keys; without, k = 1 */
	bool		whole;			/* all rows of an individual are in one group: k = 1, r = T */
	bool		rows_asked;		/* r was asked for, and bounds rows also where they are whole */
	bool		groups_asked;	/* k was asked for, and bounds groups also by_total */
	bool		by_total;		/* contributions are bounded over all groups together */
	bool		weighed;		/* by_total, and coordinate 0 is not the number of rows */
	int32		norm;			/* by_total: DP_NORM_OF_LIMITS, or the Euclidean norm of an
								 * individual's rows over groups that Gaussian noise is made
								 * for; 0, or not less: max_total */
	int32		possible_groups;	/* most groups that one individual can be in, as far as is
									 * known; at most DP_MAX_GROUPS */
	int16		rows;			/* by_total: the feature that counts all rows; else DP_NONE */
	SpecGrouping grouping;
	bool		account_required;	/* made for an analyst, who must pay from an account */
	bool		delta_asked;	/* the query or the session says which delta */
	bool		concentrated;	/* all accounts that pay add up rho: Gaussian noise is
								 * possible */
	int32		nproofs;
	int32		nreferences;
	Oid			proofs[DP_MAX_PROOFS];	/* unique indexes that "streamed", limits and links
										 * rest on */
	Oid			references[DP_MAX_REFERENCES];	/* foreign keys (constraints) that links rest
												 * on */
	uint8		param_kinds[DP_MAX_PARAMS]; /* SpecParamKind of each parameter */
	SpecArgument arguments[DP_MAX_ARGUMENTS];
	SpecSet		sets[DP_MAX_SETS];
	SpecFeature features[DP_MAX_FEATURES];
	SpecCoordinate coordinates[DP_MAX_DIMENSIONS];	/* [0] counts individuals */
	SpecMoment	moments[DP_MAX_MOMENTS];
	SpecSketch	sketches[DP_MAX_SKETCHES];
	SpecPart	parts[DP_MAX_PARTS];
	SpecTarget	targets[DP_MAX_TARGETS];
	SpecOutput	outputs[DP_MAX_OUTPUTS];
	SpecTerm	terms[DP_MAX_TERMS];
	char		relations[256]; /* names of the protected relations, for the ledger */
	char		output_names[512];	/* names of the outputs, for the ledger */
	int32		nquasi_keys;	/* number of different quasi-identifiers that keys are made of */
	char		quasi_keys[256];	/* their names, as many as fit */
} ReleaseSpec;

/* The parameters of one execution, checked. */
typedef struct ReleaseParams
{
	int64		epsilon_nano;	/* price of the release, nano-epsilon (1e-9); of all grouping
								 * sets together, if it is one of several */
	int64		delta_atto;		/* the same in atto-delta (1e-18) */
	int64		epsilon_share;	/* epsilon of each mechanism, nano-epsilon */
	int64		delta_share;	/* delta of each mechanism that has a gate, atto-delta */
	int64		groups;			/* k: most groups that an individual counts in */
	int64		rows;			/* r: most rows that an individual counts with in a group */
	int64		total;			/* T: most rows that an individual counts with in the release */
	int64		kept;			/* most groups in which an individual's rows are added up */
	int64		unit;			/* rows that one unit of the vector stands for */
	bool		whole_noise;	/* the vector consists of counts, with whole numbers as noise */
	int64		look;			/* epsilon of a look at an average alone; 0 if there is none */
	int64		vector_epsilon; /* epsilon of the vector's joint noise: all but the look */
	bool		gaussian;		/* the vector's noise is Gaussian, of this law, and clipping
								 * by total is in the Euclidean norm */
	dp_gaussian_law law;
	int64		norm;			/* gaussian: the Euclidean norm of all an individual adds is
								 * this over T, at most, times the root of the number of
								 * coordinates */
	const double *values;		/* the whole array of parameters */
} ReleaseParams;

/* Is the output a yes or no that follows from a number of individuals? */
static inline bool
is_boolean_output(const SpecOutput *output)
{
	return output->kind == SPEC_OUT_ANY || output->kind == SPEC_OUT_NONE;
}

/* Is the output a function of moments, and not chosen from a sketch? */
static inline bool
is_moment_output(const SpecOutput *output)
{
	return output->kind <= SPEC_OUT_SXY || output->kind == SPEC_OUT_CLIPPED ||
		is_boolean_output(output);
}

/* Is the output made of released values in an order of theirs? */
static inline bool
is_ordered_output(const SpecOutput *output)
{
	return output->kind == SPEC_OUT_FIRST || output->kind == SPEC_OUT_LIST;
}

/* Does a part choose from the weights of public cells, or show all of them? */
static inline bool
part_weighs_cells(SpecPartKind kind)
{
	return kind == SPEC_PART_RANKS || kind == SPEC_PART_HISTOGRAM;
}

static inline bool
feature_reads_x(SpecFeatureKind kind)
{
	return kind == SPEC_FEATURE_X || kind == SPEC_FEATURE_XX || kind == SPEC_FEATURE_XY;
}

static inline bool
feature_reads_y(SpecFeatureKind kind)
{
	return kind == SPEC_FEATURE_Y || kind == SPEC_FEATURE_YY || kind == SPEC_FEATURE_XY;
}

/* Number of sums that a group's state has: by_total, exact individuals stand before the vector. */
static inline int
spec_sums(const ReleaseSpec *spec)
{
	return spec->dimensions + (spec->by_total ? 1 : 0);
}

/* The limits that bound an individual in a release, 0 where there is none. */
typedef struct SpecLimits
{
	int64		groups;			/* groups that it counts in */
	int64		rows;			/* rows that it counts with in a group */
	int64		total;			/* rows that it counts with in all */
} SpecLimits;

extern bool spec_may_bound(const ReleaseSpec *spec);
extern SpecLimits spec_limits(const ReleaseSpec *spec, const ReleaseParams *params);
extern int64 spec_most_rows(const ReleaseSpec *spec, const ReleaseParams *params);
extern int	spec_shares(const ReleaseSpec *spec);
extern bool spec_part_is_gated(const ReleaseSpec *spec, int part);
extern int	spec_gates(const ReleaseSpec *spec);
extern void spec_read_params(const ReleaseSpec *spec, const double *values,
							 ReleaseParams *params);
extern void spec_limit_delta(const ReleaseSpec *spec, ReleaseParams *params, int64 most);
extern int64 spec_gate_weight(const ReleaseSpec *spec, const ReleaseParams *params);
extern int64 spec_least_epsilon(void);
extern void spec_check_price(const ReleaseSpec *spec, const ReleaseParams *params);
DP_NORETURN extern void spec_null_parameter(void);
extern void spec_check_bounds(double lower, double upper, bool may_be_equal);

#endif							/* DP_SPEC_H */
