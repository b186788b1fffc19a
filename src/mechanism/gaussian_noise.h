/*
 * gaussian_noise.h
 *		Gaussian noise for the vector of a group, and the threshold of its gate.
 */
#ifndef DP_GAUSSIAN_NOISE_H
#define DP_GAUSSIAN_NOISE_H

#include <stdbool.h>

#include "mechanism/random.h"

/* The law of one vector's noise; made by dp_gaussian_law_of() and only read elsewhere. */
typedef struct dp_gaussian_law
{
	bool		whole;			/* whole numbers of individuals */
	bool		turned;			/* whole, and drawn for two disjoint sets */
	int			d;				/* number of coordinates */
	int64_t		sigma;			/* of one draw: in 1/DP_GAUSSIAN_PARTS of an individual if
								 * whole, else in lattice units */
	double		deviation;		/* standard deviation of one coordinate, in individuals */
} dp_gaussian_law;

extern bool dp_gaussian_law_of(int64_t rho_pico, int64_t groups, int d, bool counts,
							   dp_gaussian_law *law);
extern void dp_gaussian_shorten(dp_gaussian_law *law, int64_t numerator, int64_t denominator);
extern dp_status dp_gaussian_noise_draw(dp_random *rng, const dp_gaussian_law *law, dp_int128 *z);
extern dp_status dp_gaussian_gate_threshold(const dp_gaussian_law *law, int64_t delta_atto,
											int64_t kept, int64_t individuals, int64_t weight,
											dp_int128 *tau);
extern void dp_gaussian_simulate(const dp_gaussian_law *law, double (*uniform) (void *context),
								 void *context, double *noise);

#endif							/* DP_GAUSSIAN_NOISE_H */
