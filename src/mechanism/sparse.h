/*
 * sparse.h
 *		Histograms, the most frequent value, and their thresholds.
 *
 * All of them rest on one individual's weights over all the cells of a group
 * summing to at most one (DP_CELL_SCALE).
 */
#ifndef DP_SPARSE_H
#define DP_SPARSE_H

#include "mechanism/choose.h"
#include "mechanism/noise.h"

/* Most categories in which one individual may have weight. */
#define DP_SPARSE_MAX_ROWS 1000000

/* Most cells the sum of whose noise has an exact law for the gate of a histogram. */
#define DP_SUM_EXACT_CELLS 256

/* What a histogram must reach, in either way, to be released; lattice units. */
typedef struct dp_histogram_gate
{
	dp_int128	sum;			/* the total of its noisy cells */
	dp_int128	largest;		/* or the largest of them */
} dp_histogram_gate;

extern dp_status dp_sparse_noise(dp_random *rng, int64_t epsilon_nano,
								 int64_t groups, const int64_t *weights, int m,
								 dp_int128 *noisy);
extern dp_status dp_histogram_gate_threshold(int64_t epsilon_nano, int64_t delta_atto,
											 int64_t groups, int64_t kept, int m,
											 int64_t individuals, int64_t weight,
											 dp_histogram_gate *gate);
extern dp_status dp_category_threshold(int64_t epsilon_nano, int64_t delta_atto,
									   int64_t groups, int64_t rows,
									   int64_t individuals, dp_int128 *tau);
extern dp_status dp_bins_threshold(int64_t epsilon_nano, int64_t delta_atto,
								   int64_t groups, int m, int64_t individuals,
								   dp_int128 *tau);
extern dp_status dp_mode_threshold(int64_t epsilon_nano, int64_t delta_atto,
								   int64_t groups, int64_t rows,
								   int64_t min_individuals, dp_int128 *threshold);
extern dp_status dp_mode_choose(dp_random *rng, int64_t epsilon_nano,
								int64_t delta_atto, int64_t groups, int64_t rows,
								int64_t min_individuals, const int64_t *weights,
								const int64_t *individuals, int m,
								const dp_choose_work *work, int *chosen);

#endif							/* DP_SPARSE_H */
