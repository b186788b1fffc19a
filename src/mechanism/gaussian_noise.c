/*
 * gaussian_noise.c
 *		Gaussian noise for the vector of a group, and the threshold of its gate.
 *
 * An individual adds at most one unit, in size, to each of d coordinates of at most k groups, or
 * what clipping leaves of that (aggregate/clip.c): a step of length sqrt(k d) at most, in the Euclidean
 * norm over all groups and coordinates.  Independent discrete Gaussians (gaussian.c) of
 *
 *		sigma = sqrt(k d / (2 rho))
 *
 * in each of them are rho-zCDP (Canonne, Kamath and Steinke 2020, Theorem 14: it asks for a step of
 * integers, which it is in lattice units).
 *
 * Counts.  Where an individual adds 1 or -1 to every coordinate, noise of whole numbers is as good,
 * and nothing is left to round.  With two such coordinates, u + v and u - v are the sum and the
 * difference of two counts of disjoint sets, and an individual is in one of them: u and v get
 * noise for a step of sqrt(k).  A count that is read back, (z_0 + z_1)/2, is a whole number then.
 *
 * The gate.  A group of exactly the least number of individuals, which one of them takes away, must not be
 * shown but with probability delta' (gate.c).  The vectors of all other groups differ by the step above
 * and their noise is independent of it, so that the release is rho-zCDP but for an event of
 * probability delta.  A threshold that knows how likely a row is shown could be lower (Wilkins, Kifer,
 * Zhang and Karrer 2024); this one adds up.
 *
 * Nothing secret enters into what is computed in floating point here: all terms are positive, and slack covers
 * their rounding.
 */
#include <math.h>
#include <string.h>

#include <openssl/crypto.h>

#include "mechanism/gaussian.h"
#include "mechanism/gaussian_noise.h"
#include "mechanism/noise.h"
#include "mechanism/noise_internal.h"

/* Relative slack on probabilities, as in gate.c, and on sigma. */
#define SAFETY 1e-9
#define SLACK 1e-12

/* The widest noise of whole numbers, in individuals: wider than that, fractions add nothing. */
#define WHOLE_MAX_SIGMA 64

/* How many sigma carry all of the law: what is beyond has less than e^-800 of it. */
#define RANGE 40

/* ----------
 * The law of coordinate 0, in whole numbers
 * ----------
 */

/* sigma of one draw, in individuals. */
static double
whole_sigma(const dp_gaussian_law *law)
{
	return (double) law->sigma / DP_GAUSSIAN_PARTS;
}

/* Largest value that is looked at. */
static int
whole_range(const dp_gaussian_law *law)
{
	return (int) ceil(RANGE * sqrt(2.0) * whole_sigma(law)) + 2;
}

/* The sum of exp(-(u + shift)^2 / s^2) over all whole u. */
static double
theta(double s, double shift)
{
	double		sum = 0.0;
	int			most = (int) ceil(RANGE * s) + 2;

	for (int u = -most; u <= most; u++)
		sum += exp(-(u + shift) * (u + shift) / (s * s));
	return sum;
}

/*
 * The weights of one coordinate: of a draw, exp(-z^2 / (2 s^2)); of the sum of two, in which
 * exp(-(u^2 + (z - u)^2) / (2 s^2)) = exp(-z^2 / (4 s^2)) exp(-(u - z/2)^2 / s^2) is summed over u.
 */
typedef struct Weights
{
	double		scale;			/* of the exponent */
	double		even;
	double		odd;
} Weights;

static Weights
weights_of(const dp_gaussian_law *law)
{
	double		s = whole_sigma(law);

	if (!law->turned)
		return (Weights) {2.0 * s * s, 1.0, 1.0};
	return (Weights) {4.0 * s * s, theta(s, 0.0), theta(s, 0.5)};
}

static double
weight_at(const Weights *weights, int z)
{
	return exp(-(double) z * z / weights->scale) * (z % 2 == 0 ? weights->even : weights->odd);
}

/* The sum of all weights, and of them times z^2. */
static void
sum_weights(const dp_gaussian_law *law, double *sum, double *squares)
{
	Weights		weights = weights_of(law);

	*sum = weight_at(&weights, 0);
	*squares = 0.0;
	for (int z = whole_range(law); z > 0; z--)
	{
		double		weight = 2.0 * weight_at(&weights, z);

		*sum += weight;
		*squares += weight * z * z;
	}
}

/* ----------
 * The law
 * ----------
 */

/*
 * The least sigma of one draw, in 1/DP_GAUSSIAN_PARTS, such that sigma^2 >= squares / (2 rho): exactly.
 * squares is at most 10^6 * 65 and sigma about WHOLE_MAX_SIGMA at most, so that 128 bits are plenty.
 */
static int64_t
whole_parts(int64_t rho_pico, int64_t squares, double sigma)
{
	const dp_int128 parts = DP_GAUSSIAN_PARTS;
	const dp_int128 least = (dp_int128) squares * parts * parts * INT64_C(1000000000000);
	int64_t		result = (int64_t) (sigma * DP_GAUSSIAN_PARTS) - 1;

	if (result < 1)
		result = 1;
	while ((dp_int128) 2 * rho_pico * result * result < least)
		result++;
	return result;
}

/*
 * dp_gaussian_law_of
 *		The law of the noise of vectors of d coordinates, in *law; false if these parameters have none.
 *
 * rho_pico is what the vectors of all groups of an individual may cost, in 1e-12 and positive; d in 1 ..
 * DP_MAX_DIMENSIONS, groups in 1 .. DP_MAX_GROUPS; counts: an individual adds 1 or -1 to each coordinate.
 */
bool
dp_gaussian_law_of(int64_t rho_pico, int64_t groups, int d, bool counts, dp_gaussian_law *law)
{
	double		twice = 2.0 * (double) rho_pico * 1e-12;
	int64_t		squares;		/* of the step */
	double		sum;
	double		weighted;

	memset(law, 0, sizeof(*law));
	if (rho_pico < 1 || d < 1 || d > DP_MAX_DIMENSIONS || groups < 1 || groups > DP_MAX_GROUPS)
		return false;
	law->d = d;
	squares = groups * d;
#ifdef DP_FAULT_GAUSSIAN_STEP
	squares = groups;			/* that of one coordinate */
#endif
	if (counts && sqrt((double) squares / twice) <= WHOLE_MAX_SIGMA)
	{
		law->whole = true;
		law->turned = d == 2;
		if (law->turned)
			squares = groups;
		law->sigma = whole_parts(rho_pico, squares, sqrt((double) squares / twice));
		sum_weights(law, &sum, &weighted);
		law->deviation = sqrt(weighted / sum);
		return true;
	}
	law->deviation = sqrt((double) squares / twice) * (1.0 + SLACK);
	if (!(law->deviation <= (double) (DP_GAUSSIAN_MAX_SIGMA / DP_SCALE)))
		return false;
	law->sigma = (int64_t) ceil(law->deviation * (double) DP_SCALE);
	return law->sigma <= DP_GAUSSIAN_MAX_SIGMA;
}

/*
 * dp_gaussian_shorten
 *		The law for individuals whose step is numerator/denominator as long as dp_gaussian_law_of() assumes.
 *
 * 1 <= numerator <= denominator < 2^40; not for whole numbers, which stay as they are.
 */
void
dp_gaussian_shorten(dp_gaussian_law *law, int64_t numerator, int64_t denominator)
{
	if (law->whole || numerator >= denominator)
		return;
	law->deviation *= (double) numerator / (double) denominator * (1.0 + SLACK);
	law->sigma = (int64_t) ceil(law->deviation * (double) DP_SCALE);
}

/* One draw, in lattice units. */
static dp_status
draw_one(dp_random *rng, const dp_gaussian_law *law, dp_int128 *z)
{
	int64_t		sigma = law->sigma;
	dp_status	status;

#ifdef DP_FAULT_NOISE_SCALE
	sigma = sigma * 4 / 5;
#endif
	if (!law->whole)
		return dp_gaussian_draw(rng, sigma, z);
	status = dp_gaussian_draw_parts(rng, sigma, z);
	*z *= DP_SCALE;
	return status;
}

/*
 * dp_gaussian_noise_draw
 *		The noise of one group: z[0 .. d-1], in lattice units.
 *
 * DP_ERR_RANDOM if the source failed; z is then all zero and must not be used.
 */
dp_status
dp_gaussian_noise_draw(dp_random *rng, const dp_gaussian_law *law, dp_int128 *z)
{
	dp_status	status = DP_OK;

	for (int i = 0; i < law->d; i++)
		z[i] = 0;
	for (int i = 0; i < law->d && status == DP_OK; i++)
		status = draw_one(rng, law, &z[i]);
	if (law->turned)
	{
		dp_int128	difference = z[0] - z[1];

		z[0] += z[1];
		z[1] = difference;
		OPENSSL_cleanse(&difference, sizeof(difference));
	}
	if (status != DP_OK)
		OPENSSL_cleanse(z, sizeof(*z) * (size_t) law->d);
	return status;
}

/* ----------
 * The gate
 * ----------
 */

/* A q with P(X >= q) <= p for a standard normal X; p in 1e-30 .. 1/2. */
static double
normal_quantile(double p)
{
	double		low = 0.0;
	double		high = 12.0;

	if (0.5 <= p)
		return 0.0;
	while (high - low > SLACK)
	{
		double		middle = 0.5 * (low + high);

		if (0.5 * erfc(middle / sqrt(2.0)) > p)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/*
 * The distance in lattice units that noise on the fine lattice reaches with probability delta at most.
 * The weights of z >= t sum to less than the integral of the density's exponential from t - 1, and all weights to
 * more than that over all numbers (gaussian.c), so that P(z >= t) <= P(sigma X >= t - 1).
 */
static dp_int128
fine_distance(const dp_gaussian_law *law, double delta)
{
	return (dp_int128) ceil((double) law->sigma * normal_quantile(delta * (1.0 - SAFETY)) *
							(1.0 + SLACK)) + 1;
}

/*
 * The same for whole numbers, where a uniform fraction of an individual is added (whole_noise.c): with t the least
 * whole number such that P(z >= t) <= delta, t - 1 passes with the probability that is left.
 */
static dp_int128
whole_distance(const dp_gaussian_law *law, double delta)
{
	Weights		weights = weights_of(law);
	int			t = whole_range(law);
	double		above = 0.0;
	double		sum;
	double		squares;
	double		room;
	double		left;

	sum_weights(law, &sum, &squares);
	room = delta * sum * (1.0 - SAFETY);
	while (t > 1 && above + weight_at(&weights, t - 1) <= room)
		above += weight_at(&weights, --t);
	left = fmin((room - above) / weight_at(&weights, t - 1) * (1.0 - SAFETY), 1.0);
	return (dp_int128) t * DP_SCALE -
		(dp_int128) fmin(floor(left * (double) DP_SCALE), (double) (DP_SCALE - 1));
}

/*
 * dp_gaussian_gate_threshold
 *		The least noisy coordinate 0, tau in lattice units, at which a group is released.
 *
 * Parameters as for dp_gate_threshold, else DP_ERR_RANGE and *tau is not touched.  With whole numbers, weight is
 * DP_SCALE, and a uniform number of 0 .. DP_SCALE - 1 is to be added as for dp_whole_gate_threshold.
 */
dp_status
dp_gaussian_gate_threshold(const dp_gaussian_law *law, int64_t delta_atto, int64_t kept,
						   int64_t individuals, int64_t weight, dp_int128 *tau)
{
	double		delta;

	if (kept < 1 || kept > DP_MAX_GROUPS || delta_atto < 1 ||
		delta_atto >= INT64_C(1000000000000000000) || individuals < 1 || weight < 1 ||
		weight > DP_SCALE || (law->whole && weight != DP_SCALE))
		return DP_ERR_RANGE;
	delta = dp_gate_group_delta(delta_atto, kept);
	*tau = (dp_int128) individuals * weight +
		(law->whole ? whole_distance(law, delta) : fine_distance(law, delta));
	return DP_OK;
}

/* ----------
 * Simulation
 * ----------
 */

/* A normal variable (Box and Muller). */
static double
normal(double (*uniform) (void *context), void *context)
{
	double		radius = sqrt(-2.0 * log(1.0 - uniform(context)));

	return radius * cos(2.0 * M_PI * uniform(context));
}

/* A whole number of weight exp(-z^2 / (2 s^2)), by rejection as gaussian.c draws it. */
static double
whole_normal(double s, double (*uniform) (void *context), void *context)
{
	double		t = floor(s) + 1.0;

	for (;;)
	{
		double		size = floor(-log(1.0 - uniform(context)) * t);
		double		sign = uniform(context) < 0.5 ? -1.0 : 1.0;
		double		off = size - s * s / t;

		if (!(size == 0.0 && sign < 0.0) && uniform(context) < exp(-off * off / (2.0 * s * s)))
			return sign * size;
	}
}

/*
 * dp_gaussian_simulate
 *		A vector of the same law, in individuals, for what is computed from the law and protects
 *		nothing.  uniform returns numbers in [0, 1).
 */
void
dp_gaussian_simulate(const dp_gaussian_law *law, double (*uniform) (void *context), void *context,
					 double *noise)
{
	for (int i = 0; i < law->d; i++)
		noise[i] = law->whole ? whole_normal(whole_sigma(law), uniform, context) :
			law->deviation * normal(uniform, context);
	if (law->turned)
	{
		double		difference = noise[0] - noise[1];

		noise[0] += noise[1];
		noise[1] = difference;
	}
}
