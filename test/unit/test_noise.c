/*
 * test_noise.c
 *		The joint noise against its law.
 *
 * At a coarse rate (tenths per lattice unit instead of billionths) the lattice
 * law itself is visible, and is compared point by point or shell by shell.  At
 * the scale of releases the lattice is far finer than anything a sample shows,
 * and the norm and the coordinates are compared with the continuous law.
 *
 * Statistical checks have a false-alarm rate of ALPHA each; the others have
 * none.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mechanism/noise.h"
#include "mechanism/noise_internal.h"
#include "tap.h"

#define NANO INT64_C(1000000000)

static dp_random rng;

static dp_int128
max_norm(const dp_int128 *z, int d)
{
	dp_int128	norm = 0;

	for (int i = 0; i < d; i++)
	{
		dp_int128	size = z[i] < 0 ? -z[i] : z[i];

		if (size > norm)
			norm = size;
	}
	return norm;
}

/* Number of lattice points of norm exactly r. */
static double
shell_size(int d, int r)
{
	return r == 0 ? 1.0 : pow(2.0 * r + 1.0, d) - pow(2.0 * r - 1.0, d);
}

/* sum_z exp(-rate ||z||), to double precision. */
static double
normalizer(int d, double rate)
{
	double		sum = 0.0;

	for (int r = 0; r < 2000; r++)
		sum += shell_size(d, r) * exp(-rate * r);
	return sum;
}

/*
 * d = 1 and 2: every point of the cube of radius 15 is a cell, and the rest
 * one more.
 */
static void
test_lattice_points(int d, int p, int q)
{
	enum
	{
		RADIUS = 15,
		SIDE = 2 * RADIUS + 1
	};
	static long seen[SIDE * SIDE + 1];
	static double law[SIDE * SIDE + 1];
	int			points = d == 1 ? SIDE : SIDE * SIDE;
	double		rate = (double) p / q;
	double		total = normalizer(d, rate);
	long		n = tap_draws(1000000);

	memset(seen, 0, sizeof(seen));
	law[points] = 1.0;
	for (int i = 0; i < points; i++)
	{
		int			x = abs(i % SIDE - RADIUS);
		int			y = d == 1 ? 0 : abs(i / SIDE - RADIUS);

		law[i] = exp(-rate * (x > y ? x : y)) / total;
		law[points] -= law[i];
	}
	if (law[points] < 1e-15)
		law[points] = 1e-15;

	for (long i = 0; i < n; i++)
	{
		dp_int128	z[2] = {0, 0};

		if (dp_noise_draw_rate(&rng, (dp_uint128) p, (dp_uint128) q, d, z) != DP_OK)
			continue;
		if (max_norm(z, d) > RADIUS)
			seen[points]++;
		else
			seen[(int) z[0] + RADIUS + (d == 1 ? 0 : SIDE * ((int) z[1] + RADIUS))]++;
	}
	tap_fits(seen, law, points + 1, n, "lattice law at d = %d, rate %d/%d", d, p, q);
}

/*
 * Any d: the shells of the norm, and the exact marginal of the last coordinate.
 * With z_0 = x fixed, a shell r > |x| has (2r+1)^(d-1) - (2r-1)^(d-1) points,
 * the shell r = |x| all (2r+1)^(d-1).
 */
static void
test_lattice_shells(int d, int p, int q, long draws)
{
	enum
	{
		CELLS = 200
	};
	long		norms[CELLS + 1] = {0};
	long		marginal[2 * CELLS + 2] = {0};
	double		norm_law[CELLS + 1];
	double		marginal_law[2 * CELLS + 2];
	double		rate = (double) p / q;
	double		total = normalizer(d, rate);
	long		n = tap_draws(draws);

	norm_law[CELLS] = 1.0;
	for (int r = 0; r < CELLS; r++)
	{
		norm_law[r] = shell_size(d, r) * exp(-rate * r) / total;
		norm_law[CELLS] -= norm_law[r];
	}
	norm_law[CELLS] = fmax(norm_law[CELLS], 1e-15);

	marginal_law[2 * CELLS + 1] = 1.0;
	for (int x = -CELLS; x <= CELLS; x++)
	{
		double		sum = pow(2.0 * abs(x) + 1.0, d - 1) * exp(-rate * abs(x));

		for (int r = abs(x) + 1; r < 2000; r++)
			sum += shell_size(d - 1, r) * exp(-rate * r);
		marginal_law[x + CELLS] = sum / total;
		marginal_law[2 * CELLS + 1] -= sum / total;
	}
	marginal_law[2 * CELLS + 1] = fmax(marginal_law[2 * CELLS + 1], 1e-15);

	for (long i = 0; i < n; i++)
	{
		dp_int128	z[DP_MAX_DIMENSIONS];
		dp_int128	norm;

		if (dp_noise_draw_rate(&rng, (dp_uint128) p, (dp_uint128) q, d, z) != DP_OK)
			continue;
		norm = max_norm(z, d);
		norms[norm < CELLS ? (int) norm : CELLS]++;
		if (z[d - 1] < -CELLS || z[d - 1] > CELLS)
			marginal[2 * CELLS + 1]++;
		else
			marginal[(int) z[d - 1] + CELLS]++;
	}
	tap_fits(norms, norm_law, CELLS + 1, n,
			 "lattice norm at d = %d, rate %d/%d", d, p, q);
	tap_fits(marginal, marginal_law, 2 * CELLS + 2, n,
			 "lattice marginal at d = %d, rate %d/%d", d, p, q);
}

/*
 * The scale of releases.  a * norm is a Gamma(d) variable; a coordinate has the
 * closed form of gate.c; which coordinate is the greatest, and its sign, is
 * uniform among the 2d faces.  64 cells of equal probability each.  `percent`
 * scales the rate of the law compared with: 100, or something else to see that
 * the test has the power to tell.
 */
static void
test_release_scale(double epsilon, int64_t groups, int d, long draws, int percent)
{
	enum
	{
		CELLS = 64
	};
	long		norms[CELLS] = {0};
	long		coordinates[CELLS] = {0};
	long		faces[2 * DP_MAX_DIMENSIONS] = {0};
	double		even[CELLS];
	double		face_law[2 * DP_MAX_DIMENSIONS];
	double		rate = epsilon / (double) groups / (double) DP_SCALE * percent / 100;
	long		n = tap_draws(draws);

	for (int i = 0; i < CELLS; i++)
		even[i] = 1.0 / CELLS;
	for (int i = 0; i < 2 * d; i++)
		face_law[i] = 0.5 / d;

	for (long i = 0; i < n; i++)
	{
		dp_int128	z[DP_MAX_DIMENSIONS];
		double		norm;
		double		tail;
		int			cell;

		if (dp_noise_draw(&rng, llround(epsilon * 1e9), groups, d, z) != DP_OK)
			continue;

		norm = (double) max_norm(z, d);
		cell = (int) ((1.0 - upper_gamma(d, rate * norm)) * CELLS);
		norms[cell < CELLS ? cell : CELLS - 1]++;

		tail = exp(dp_noise_log_tail(d, rate * fabs((double) z[d / 2])));
		cell = (int) ((z[d / 2] < 0 ? tail : 1.0 - tail) * CELLS);
		coordinates[cell < CELLS ? cell : CELLS - 1]++;

		for (int k = 0; k < d; k++)
			if (fabs((double) z[k]) == norm)
			{
				faces[2 * k + (z[k] < 0 ? 1 : 0)]++;
				break;
			}
	}

	if (percent != 100)
	{
		double		p = chi_square_p(norms, even, CELLS, n);
		double		q = chi_square_p(coordinates, even, CELLS, n);

		/* Power needs the full number of draws. */
		tap_ok((p < ALPHA && q < ALPHA) || n < draws,
			   "a rate wrong by %d percent is noticed (p = %.3g, %.3g)",
			   percent - 100, p, q);
		return;
	}
	tap_fits(norms, even, CELLS, n, "norm at epsilon %g, %lld groups, d = %d",
			 epsilon, (long long) groups, d);
	tap_fits(coordinates, even, CELLS, n,
			 "coordinate at epsilon %g, %lld groups, d = %d",
			 epsilon, (long long) groups, d);
	tap_fits(faces, face_law, 2 * d, n, "faces at epsilon %g, %lld groups, d = %d",
			 epsilon, (long long) groups, d);
}

/*
 * Mean, variance and fourth moment of one coordinate, in units of the standard
 * deviation that dp_noise_stddev reports.  E x^2 = (d+1)(d+2)/3, and with
 * E R^m = (d+1)...(d+m): E x^4 = (d+1)...(d+4)/5 in units of 1/a.
 */
static void
test_moments(int64_t epsilon_nano, int64_t groups, int d, long draws)
{
	double		stddev = dp_noise_stddev(epsilon_nano, groups, d);
	double		kurtosis = (d + 3.0) * (d + 4.0) * 9.0 / 5.0 /
		((d + 1.0) * (d + 2.0));
	double		mean = 0.0;
	double		square = 0.0;
	long		n = tap_draws(draws);
	double		z_mean;
	double		z_square;

	for (long i = 0; i < n; i++)
	{
		dp_int128	z[DP_MAX_DIMENSIONS];
		double		x;

		if (dp_noise_draw(&rng, epsilon_nano, groups, d, z) != DP_OK)
			x = NAN;
		else
			x = (double) z[0] / (double) DP_SCALE / stddev;
		mean += x / (double) n;
		square += x * x / (double) n;
	}
	z_mean = mean * sqrt((double) n);
	z_square = (square - 1.0) * sqrt((double) n / (kurtosis - 1.0));
	/* Both sides of both are within ALPHA each (normal approximation). */
	tap_ok(fabs(z_mean) < Z_ALPHA,
		   "mean at epsilon %g, %lld groups, d = %d (%.2f standard errors)",
		   (double) epsilon_nano * 1e-9, (long long) groups, d, z_mean);
	tap_ok(fabs(z_square) < Z_ALPHA,
		   "variance (%.4f of the closed form, %.2f standard errors)",
		   square, z_square);
}

/* The lattice is fine: low bits of the noise are uniform. */
static void
test_low_bits(void)
{
	long		seen[64] = {0};
	double		even[64];
	long		n = tap_draws(200000);

	for (int i = 0; i < 64; i++)
		even[i] = 1.0 / 64;
	for (long i = 0; i < n; i++)
	{
		dp_int128	z[2];

		if (dp_noise_draw(&rng, 10 * NANO, 1, 2, z) == DP_OK)
			seen[((int) (z[0] & 7) << 3) | (int) (z[1] & 7)]++;
	}
	tap_fits(seen, even, 64, n, "low bits of two coordinates");
}

static void
test_arguments(void)
{
	dp_int128	z[DP_MAX_DIMENSIONS] = {7};
	bool		refused;
	bool		accepted = true;

	refused = dp_noise_draw(&rng, 0, 1, 1, z) == DP_ERR_RANGE &&
		dp_noise_draw(&rng, -NANO, 1, 1, z) == DP_ERR_RANGE &&
		dp_noise_draw(&rng, INT64_MIN, 1, 1, z) == DP_ERR_RANGE &&
		dp_noise_draw(&rng, DP_MAX_EPSILON_NANO + 1, 1, 1, z) == DP_ERR_RANGE &&
		dp_noise_draw(&rng, NANO, 0, 1, z) == DP_ERR_RANGE &&
		dp_noise_draw(&rng, NANO, -1, 1, z) == DP_ERR_RANGE &&
		dp_noise_draw(&rng, NANO, DP_MAX_GROUPS + 1, 1, z) == DP_ERR_RANGE &&
		dp_noise_draw(&rng, NANO, 1, 0, z) == DP_ERR_RANGE &&
		dp_noise_draw(&rng, NANO, 1, -1, z) == DP_ERR_RANGE &&
		dp_noise_draw(&rng, NANO, 1, DP_MAX_DIMENSIONS + 1, z) == DP_ERR_RANGE;
	tap_ok(refused && z[0] == 7, "parameters out of range are refused");
	tap_ok(dp_noise_draw_rate(&rng, 0, 1, 1, z) == DP_ERR_RANGE &&
		   dp_noise_draw_rate(&rng, 1, 0, 1, z) == DP_ERR_RANGE,
		   "rates out of range are refused");

	for (int e = 0; e < 2; e++)
		for (int g = 0; g < 2; g++)
			for (int d = 0; d < 2; d++)
				accepted = accepted &&
					dp_noise_draw(&rng, e ? DP_MAX_EPSILON_NANO : DP_MIN_EPSILON_NANO,
								  g ? DP_MAX_GROUPS : 1,
								  d ? DP_MAX_DIMENSIONS : 1, z) == DP_OK;
	tap_ok(accepted, "the ends of every range are accepted");

	tap_ok(fabs(dp_noise_stddev(NANO, 1, 1) - sqrt(2.0)) < 1e-12 &&
		   fabs(dp_noise_stddev(NANO / 2, 3, 2) - 12.0) < 1e-12 &&
		   fabs(dp_noise_stddev(2 * NANO, 1, 3) - sqrt(5.0 / 3.0)) < 1e-12,
		   "standard deviation in closed form");
	tap_ok(isnan(dp_noise_stddev(0, 1, 1)) && isnan(dp_noise_stddev(NANO, 0, 1)) &&
		   isnan(dp_noise_stddev(NANO, 1, 66)), "and NaN out of range");
}

static void
test_bad_sources(void)
{
	constant_source source;
	dp_int128	z[DP_MAX_DIMENSIONS];
	bool		failed = true;
	bool		bounded = true;
	bool		bad = true;

	/* A source that fails after any number of buffers, also within a vector. */
	for (int fills = 0; fills < 8; fills++)
	{
		dp_status	status = DP_OK;

		source.value = 0x35;
		source.fills = fills;
		dp_random_init(&rng, constant_bytes, &source);
		for (int i = 0; i < 10000 && status == DP_OK; i++)
		{
			z[0] = z[DP_MAX_DIMENSIONS - 1] = 7;
			status = dp_noise_draw(&rng, NANO, 1, DP_MAX_DIMENSIONS, z);
		}
		failed = failed && status == DP_ERR_RANDOM && z[0] == 0 &&
			z[DP_MAX_DIMENSIONS - 1] == 0;
	}
	tap_ok(failed, "a failing source is an error, and no noise is left");

	for (int byte = 0; byte < 256; byte++)
	{
		static const int dimensions[] = {1, 2, 8, DP_MAX_DIMENSIONS};

		for (int i = 0; i < 4; i++)
		{
			dp_status	status;

			source.value = (unsigned char) byte;
			source.fills = -1;
			dp_random_init(&rng, constant_bytes, &source);
			status = dp_noise_draw(&rng, NANO, 3, dimensions[i], z);
			bounded = bounded && (status == DP_OK || status == DP_ERR_RANDOM);
			if (byte == 0 || byte == 255)
				bad = bad && status == DP_ERR_RANDOM;
		}
	}
	tap_ok(bounded, "a constant source ends in a vector or an error");
	tap_ok(bad, "all zeros and all ones are errors");
}

int
main(void)
{
	tap_plan(8 + 10 + 3 * (7 + 8) + 1 + 12 + 1 + 5 + 3);
	dp_random_init(&rng, dp_openssl_bytes, NULL);

	test_lattice_points(1, 1, 5);
	test_lattice_points(1, 1, 2);
	test_lattice_points(1, 1, 1);
	test_lattice_points(1, 3, 1);
	test_lattice_points(2, 1, 3);
	test_lattice_points(2, 1, 2);
	test_lattice_points(2, 1, 1);
	test_lattice_points(2, 5, 2);

	test_lattice_shells(1, 1, 10, 500000);
	test_lattice_shells(2, 1, 7, 500000);
	test_lattice_shells(3, 1, 2, 500000);
	test_lattice_shells(3, 1, 5, 500000);
	test_lattice_shells(8, 1, 4, 300000);

	test_release_scale(1.0, 1, 1, 1000000, 100);
	test_release_scale(0.1, 3, 1, 500000, 100);
	test_release_scale(1.0, 1, 2, 500000, 100);
	test_release_scale(10.0, 7, 2, 300000, 100);
	test_release_scale(0.3, 3, 3, 300000, 100);
	test_release_scale(1.0, 2, 8, 200000, 100);
	test_release_scale(1.0, 1, DP_MAX_DIMENSIONS, 30000, 100);
	/* d = 1, 2, 3, 8 at the ends of what a release may ask for. */
	test_release_scale(1e-6, 1, 1, 50000, 100);
	test_release_scale(1e-6, 1, 2, 50000, 100);
	test_release_scale(1e-6, 1, 3, 50000, 100);
	test_release_scale(1e-6, 1, 8, 30000, 100);
	test_release_scale(50.0, 1, 1, 50000, 100);
	test_release_scale(50.0, 1, 2, 50000, 100);
	test_release_scale(50.0, 1, 3, 50000, 100);
	test_release_scale(50.0, 1, 8, 30000, 100);
	test_release_scale(1.0, 1, 1, 1000000, 102);

	test_moments(1000, 1, 1, 300000);
	test_moments(50 * NANO, 1, 2, 300000);
	test_moments(1000 * NANO, 1, 1, 300000);
	test_moments(1000 * NANO, 1, 8, 100000);
	test_moments(1, DP_MAX_GROUPS, 3, 200000);
	test_moments(1000, DP_MAX_GROUPS, DP_MAX_DIMENSIONS, 10000);
	test_low_bits();

	test_arguments();
	test_bad_sources();
	return tap_done();
}
