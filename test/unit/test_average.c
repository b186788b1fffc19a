/*
 * test_average.c
 *		The noise of an average alone: which law, its size, no bias.
 *
 * Statistical checks have a false-alarm rate of ALPHA each; the others have
 * none.
 */
#include <math.h>

#include "mechanism/average.h"
#include "mechanism/noise.h"
#include "tap.h"

#define NANO INT64_C(1000000000)

static dp_random rng;

/* Draws for n individuals of this mean; how often centred. */
static long
draw(double epsilon, int64_t groups, double n, double mean, long draws, double *bias,
	 double *deviation)
{
	dp_int128	individuals = (dp_int128) n * DP_SCALE;
	dp_int128	sum = (dp_int128) (n * mean * (double) DP_SCALE);
	long		centred = 0;
	double		total = 0.0;
	double		squares = 0.0;

	for (long i = 0; i < draws; i++)
	{
		dp_int128	noisy[3] = {7, 7, 7};
		dp_average_law law;
		double		error;

		if (dp_average_draw(&rng, llround(epsilon * 1e9), groups, 20, individuals, sum, noisy,
							&law) != DP_OK)
			return -1;
		if (!law.centred)
		{
			if (noisy[0] != 7)
				return -1;
			continue;
		}
		if (noisy[1] != noisy[2] || fabs(law.centre) > 1.0)
			return -1;
		centred++;
		error = (double) noisy[1] / (double) noisy[0] - mean;
		total += error;
		squares += error * error;
	}
	*bias = centred > 0 ? total / (double) centred : 0.0;
	*deviation = centred > 0 ? sqrt(squares / (double) centred) : 0.0;
	return centred;
}

/* The error of the average against that of the noise of the sum around its centre. */
static void
test_error(double epsilon, int64_t groups, double mean)
{
	double		scale = (double) groups / epsilon;
	double		n = 40000.0 * scale;
	long		draws = tap_draws(40000);
	double		look;
	double		sum;
	double		bias;
	double		deviation;
	double		expected;
	long		centred = draw(epsilon, groups, n, mean, draws, &bias, &deviation);

	dp_average_deviations(llround(epsilon * 1e9), groups, &look, &sum);
	expected = hypot((1.0 + fabs(mean)) * sum, look * look * sqrt(2.5 + 3.5 * mean * mean) / n) / n;
	tap_ok(centred == draws && fabs(deviation / expected - 1.0) < 0.01 + 6.0 * 1.2 / sqrt((double) draws),
		   "epsilon %g, %lld groups, mean %g: error %.4g, expected %.4g", epsilon, (long long) groups,
		   mean, deviation, expected);
	tap_ok(fabs(bias) < Z_ALPHA * expected / sqrt((double) draws) + 0.002 * expected,
		   "and a bias of %.3f of that", bias / expected);
}

static void
test_choice(void)
{
	double		unused;

	tap_ok(draw(1.0, 1, 20.0, 0.0, tap_draws(20000), &unused, &unused) == 0 &&
		   draw(1.0, 1, 4500.0, 0.5, tap_draws(20000), &unused, &unused) == 0 &&
		   draw(1000.0, 1, 20.0, 0.0, tap_draws(20000), &unused, &unused) == 0,
		   "groups that are not large are left to the joint noise");
	tap_ok(draw(1.0, 1, 10000.0, 0.5, 2000, &unused, &unused) == 2000 &&
		   draw(1000.0, 1, 40.0, 0.5, 2000, &unused, &unused) == 2000 &&
		   draw(1.0, 10, 100000.0, -1.0, 2000, &unused, &unused) == 2000,
		   "large ones are drawn around their centre");
}

static void
test_arguments(void)
{
	dp_int128	noisy[3] = {7, 7, 7};
	dp_average_law law = {true, 1.0};
	constant_source source = {0x35, 0};

	tap_ok(dp_average_look(23) == 0 && dp_average_look(24) == 1 &&
		   dp_average_look(NANO) == NANO / 24, "what the look costs");
	tap_ok(dp_average_draw(&rng, 23, 1, 20, DP_SCALE, 0, noisy, &law) == DP_ERR_RANGE &&
		   dp_average_draw(&rng, NANO, 0, 20, DP_SCALE, 0, noisy, &law) == DP_ERR_RANGE &&
		   noisy[0] == 7 && !law.centred, "parameters out of range are refused");
	tap_ok(dp_average_draw(&rng, 32, DP_MAX_GROUPS, 20, (dp_int128) 1 << 63, -((dp_int128) 1 << 63), noisy,
						   &law) == DP_OK &&
		   dp_average_draw(&rng, DP_MAX_EPSILON_NANO, 1, 20, (dp_int128) 1 << 63, (dp_int128) 1 << 63, noisy,
						   &law) == DP_OK && law.centred && law.centre == 1.0, "the ends of every range");
	dp_random_init(&rng, constant_bytes, &source);
	tap_ok(dp_average_draw(&rng, NANO, 1, 20, (dp_int128) 1 << 60, 0, noisy, &law) == DP_ERR_RANDOM &&
		   !law.centred, "a failing source is an error");
	dp_random_init(&rng, dp_openssl_bytes, NULL);
}

int
main(void)
{
	tap_plan(2 * 5 + 2 + 4);
	dp_random_init(&rng, dp_openssl_bytes, NULL);

	test_error(1.0, 1, 0.0);
	test_error(1.0, 1, 0.9);
	test_error(1.0, 1, -0.5);
	test_error(5.0, 3, 0.3);
	test_error(0.1, 1, 0.95);
	test_choice();
	test_arguments();
	return tap_done();
}
