/*
 * rank.h
 *		Private order statistics: the cells that hold given ranks.
 */
#ifndef DP_RANK_H
#define DP_RANK_H

#include <stdbool.h>

#include "mechanism/choose.h"

/*
 * Weight of one whole individual.  The weights of one individual, over all
 * cells, sum to at most this: each of its n rows weighs DP_CELL_SCALE /
 * max(n, max_rows), rounded down.
 */
#define DP_CELL_SCALE ((int64_t) 1 << 24)

/* A quantile p is p / DP_QUANTILE_UNIT. */
#define DP_QUANTILE_UNIT 1000000

/* Most cells, targets and individuals of a selection, and the largest shift, in weight. */
#define DP_RANK_MAX_CELLS (1 << 17)
#define DP_RANK_MAX_TARGETS 128
#define DP_RANK_MAX_INDIVIDUALS (((int64_t) 1 << 33) - 1)
#define DP_RANK_MAX_SHIFT ((int64_t) 1 << 60)

/* More targets than this are found by recursive splitting. */
#define DP_RANK_MAX_INDEPENDENT 2

/* The rank p * n + shift, n being the sum of all weights. */
typedef struct dp_rank_target
{
	int32_t		p;				/* 0 .. DP_QUANTILE_UNIT */
	int64_t		shift;			/* in weight, at most DP_RANK_MAX_SHIFT either way */
} dp_rank_target;

/* What bounds an individual, and from how many individuals on a group may pass. */
typedef struct dp_rank_limits
{
	int64_t		groups;			/* weights of at most one in each of so many groups, as in
								 * dp_gate_threshold; 1 where they are one over all groups */
	int64_t		kept;			/* most groups of an individual, as in dp_gate_threshold */
	int64_t		weight;			/* most that an individual weighs in a group, 1 ..
								 * DP_CELL_SCALE, and "none" counts weight; 0: it counts
								 * individuals */
	int64_t		min_individuals;
} dp_rank_limits;

/* Where a group begins to pass (dp_rank_gate_thresholds). */
typedef struct dp_rank_gate
{
	dp_int128	none;			/* T_0, in weight */
	dp_int128	total;			/* the counts of a recursion, in lattice units */
	double		scale;			/* of the noise of each of these three, in individuals */
} dp_rank_gate;

extern dp_status dp_rank_choose(dp_random *rng, int64_t epsilon_nano,
								int64_t delta_atto, const dp_rank_limits *limits,
								const int64_t *weights,
								int m, int64_t individuals,
								const dp_rank_target *targets, int ntargets,
								const dp_choose_work *work, int *cells,
								bool *passed);
extern dp_status dp_rank_gate_thresholds(int64_t epsilon_nano, int64_t delta_atto,
										 const dp_rank_limits *limits, int m,
										 int ntargets, bool shifted,
										 dp_rank_gate *gate);
extern int64_t dp_rank_share(int64_t epsilon_nano, int ntargets, bool shifted);
extern int64_t dp_rank_extreme_shift(int64_t epsilon_nano, int64_t groups, int m);
extern int64_t dp_rank_error(int64_t epsilon_nano, int64_t groups, int m,
							 int32_t p, double alpha);

#endif							/* DP_RANK_H */
