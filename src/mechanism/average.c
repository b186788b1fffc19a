/*
 * average.c
 *		The noise of an average alone: around its centre, where a group is large.
 *
 * An individual adds (1, x), |x| <= 1, to the number of individuals N and to the sum S of
 * a group.  Joint noise has to cover what both may change by.  But where N is known well
 * enough, only S - c N matters, for a c near the average: an individual changes it by at
 * most 1 + |c|, and the average is c + (S - c N)/N.
 *
 * So a twenty-fourth of epsilon is spent on a look at both (noise.c, d = 2).  If the noisy
 * N is LARGE individuals or more above the minimum, c is the quotient of what was seen, and
 * S - c N gets discrete Laplace noise of all the rest of epsilon.  The error of the
 * average is that of (1 + |c|) Laplace variables: sqrt(2) in the middle of the bounds,
 * where the best joint noise has 1.83, and no more at the bounds than that has there.
 * Otherwise the joint noise is drawn, of the rest of epsilon.
 *
 * Private: what is drawn after the look is chosen by the look, and each of the two has what
 * is left of epsilon, so that they compose adaptively.  (c is rounded to 1/CENTRE_UNIT, so
 * that sums stay integers.)
 *
 * The gate: the joint noise has its own.  A group of exactly the minimum looks large with
 * probability e^-256 * 129/2 < 10^-109 (gate.c, d = 2), far less than the slack in
 * the threshold of the joint noise, which is at least 10^-9 * 10^-24.
 */
#include <math.h>

#include <openssl/crypto.h>

#include "mechanism/average.h"
#include "mechanism/noise.h"
#include "mechanism/noise_internal.h"

/* One in this many parts of epsilon is for the look. */
#define LOOK_PARTS 24

/*
 * A group is large if its noisy number of individuals is 256 times the scale of the look's
 * noise above the minimum: then what the error of N adds to the average is small, too.
 */
#define LARGE_SCALES 256

/* The centre is a multiple of 1 / CENTRE_UNIT. */
#define CENTRE_UNIT 1024

/*
 * dp_average_look
 *		What the look costs, nano-epsilon; 0 if there is too little epsilon for one.
 */
int64_t
dp_average_look(int64_t epsilon_nano)
{
	return epsilon_nano / LOOK_PARTS;
}

/* sum / individuals in 1 / CENTRE_UNIT, within -1 .. 1; individuals > 0. */
static int64_t
centre_of(dp_int128 sum, dp_int128 individuals)
{
	double		centre = rint((double) sum / (double) individuals * CENTRE_UNIT);

	return (int64_t) fmax(-CENTRE_UNIT, fmin(CENTRE_UNIT, centre));
}

/*
 * What the sum lacks on average, in lattice units, as both the centre and the divisor have the
 * noise z of the number of individuals: the average is too small by c E[z^2]/n^2.
 */
static dp_int128
bias(double centre, double individuals, int64_t look, int64_t groups)
{
	double		deviation = dp_noise_stddev(look, groups, 2) * (double) DP_SCALE;

	return (dp_int128) (centre * deviation * deviation / individuals);
}

/*
 * dp_average_large
 *		The noisy number of individuals, in lattice units, from which a group is large; the
 *		look must have some epsilon.
 */
dp_int128
dp_average_large(int64_t epsilon_nano, int64_t groups, int64_t min_individuals)
{
	/* at most 2^8 * 10^9 * 10^6 * 2^30 */
	return (dp_int128) min_individuals * DP_SCALE +
		(dp_int128) LARGE_SCALES * 1000000000 * groups * DP_SCALE / dp_average_look(epsilon_nano) + 1;
}

/*
 * dp_average_draw
 *		If the group looks large, its noisy vector: noisy[0] individuals, and the sum twice,
 *		in lattice units; then law->centred, and the group may leave.  Otherwise
 *		noisy[] is not touched, and the joint noise is to be drawn of
 *		epsilon_nano - dp_average_look(epsilon_nano).
 *
 * individuals and sum are exact, in lattice units, |sum| <= individuals < 2^70; parameters
 * as for dp_noise_draw, with a look of at least 1, and min_individuals as for
 * dp_gate_threshold.  Otherwise DP_ERR_RANGE.  DP_ERR_RANDOM if the source failed.
 */
dp_status
dp_average_draw(dp_random *rng, int64_t epsilon_nano, int64_t groups,
				int64_t min_individuals, dp_int128 individuals, dp_int128 sum,
				dp_int128 *noisy, dp_average_law *law)
{
	int64_t		look = dp_average_look(epsilon_nano);
	dp_int128	seen[2];
	dp_int128	residue;
	int64_t		centre;
	dp_status	status;

	law->centred = false;
	law->centre = 0.0;
	status = dp_noise_draw(rng, look, groups, 2, seen);
	if (status != DP_OK)
		return status;
	seen[0] += individuals;
	seen[1] += sum;
#ifdef DP_FAULT_NOISELESS
	return DP_OK;
#endif
	if (seen[0] < dp_average_large(epsilon_nano, groups, min_individuals))
		return DP_OK;

	centre = centre_of(seen[1], seen[0]);

	/*
	 * An individual changes CENTRE_UNIT * sum - centre * individuals by at most (CENTRE_UNIT
	 * + |centre|) * DP_SCALE; the denominator is at most 10^15 * 2^11 * 2^30 < 2^91.
	 */
	status = dp_noise_draw_rate(rng, (dp_uint128) (epsilon_nano - look),
								(dp_uint128) 1000000000 * (dp_uint128) groups *
								(dp_uint128) (CENTRE_UNIT + llabs(centre)) * (dp_uint128) DP_SCALE,
								1, &residue);
	if (status == DP_OK)
	{
		residue += CENTRE_UNIT * sum - centre * individuals;
		noisy[0] = seen[0];
		noisy[1] = noisy[2] = (residue + centre * seen[0]) / CENTRE_UNIT +
			bias((double) centre / CENTRE_UNIT, (double) seen[0], look, groups);
		law->centred = true;
		law->centre = (double) centre / CENTRE_UNIT;
	}
	OPENSSL_cleanse(&residue, sizeof(residue));
	return status;
}

/*
 * dp_average_deviations
 *		Standard deviations, in individuals, of the noise around a centre c: of the number
 *		of individuals, and of the sum less c times that, divided by 1 + |c|.
 */
void
dp_average_deviations(int64_t epsilon_nano, int64_t groups, double *look, double *sum)
{
	int64_t		share = dp_average_look(epsilon_nano);

	*look = dp_noise_stddev(share, groups, 2);
	*sum = dp_noise_stddev(epsilon_nano - share, groups, 1);
}
