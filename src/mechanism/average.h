/*
 * average.h
 *		The noise of an average alone: around its centre, where a group is large.
 */
#ifndef DP_AVERAGE_H
#define DP_AVERAGE_H

#include <stdbool.h>

#include "mechanism/random.h"

/* How the vector of a group was drawn. */
typedef struct dp_average_law
{
	bool		centred;		/* around the centre, or jointly as others */
	double		centre;			/* in units of half the bounds, -1 .. 1 */
} dp_average_law;

extern int64_t dp_average_look(int64_t epsilon_nano);
extern dp_status dp_average_draw(dp_random *rng, int64_t epsilon_nano, int64_t groups,
								 int64_t min_individuals, dp_int128 individuals,
								 dp_int128 sum, dp_int128 *noisy, dp_average_law *law);
extern dp_int128 dp_average_large(int64_t epsilon_nano, int64_t groups, int64_t min_individuals);
extern void dp_average_deviations(int64_t epsilon_nano, int64_t groups, double *look,
								  double *sum);

#endif							/* DP_AVERAGE_H */
