/*
 * test_concentrated.c
 *		rho and what it means, against an exact accountant: no randomness, no false alarms.
 */
#include <math.h>

#include "accounting/concentrated.h"
#include "accounting/units.h"
#include "mechanism/noise.h"
#include "tap.h"

/*
 * delta of n randomised responses of epsilon each at a total of x: the exact law of the sum
 * of their losses, (2K - n) epsilon with K binomial.  No composition of n epsilon-DP
 * mechanisms is worse (Kairouz, Oh and Viswanath 2015).
 */
static double
exact_delta(int n, double epsilon, double x)
{
	double		heads = -log1p(exp(-epsilon));
	double		tails = heads - epsilon;
	double		sum = 0.0;

	for (int k = 0; k <= n; k++)
	{
		double		loss = (2.0 * k - n) * epsilon;

		if (loss > x)
			sum += exp(lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) + k * heads + (n - k) * tails) *
				-expm1(x - loss);
	}
	return sum;
}

/* The least total at which n releases have that delta. */
static double
exact_epsilon(int n, double epsilon, double delta)
{
	double		low = 0.0;
	double		high = n * epsilon;

	for (int i = 0; i < 100; i++)
	{
		double		middle = 0.5 * (low + high);

		if (exact_delta(n, epsilon, middle) > delta)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/* What n releases of epsilon cost at delta, by rho. */
static double
by_rho(int n, double epsilon, double delta)
{
	int64_t		nano,
				atto,
				rho,
				total;

	if (dp_epsilon_from_double(epsilon, &nano) != DP_OK || dp_delta_from_double(delta, &atto) != DP_OK ||
		dp_rho_of_epsilon(nano, &rho) != DP_OK || dp_rho_to_epsilon(n * rho, atto, &total) != DP_OK)
		return NAN;
	return (double) total * 1e-9;
}

static void
test_against_exact(int n, double epsilon, double delta, double most)
{
	double		exact = exact_epsilon(n, epsilon, delta);
	double		rho = by_rho(n, epsilon, delta);

	tap_ok(rho >= exact, "%d releases of %g at %g: %.6f by rho, no less than the exact %.6f", n, epsilon, delta, rho, exact);
	tap_ok(rho <= exact * most, "... and at most %g times as much", most);
}

/*
 * delta of one Gaussian of rho = 1/(2 sigma^2) at epsilon, exactly (Balle and Wang 2018): no
 * bound by rho may be below it.
 */
static double
gaussian_delta(double rho, double epsilon)
{
	double		mu = sqrt(2.0 * rho);

	return 0.5 * erfc((epsilon / mu - mu / 2.0) / sqrt(2.0)) -
		exp(epsilon) * 0.5 * erfc((epsilon / mu + mu / 2.0) / sqrt(2.0));
}

static void
test_gaussians(void)
{
	int			wrong = 0;
	double		widest = 1.0;

	for (int64_t rho = 1000; rho <= 100 * DP_PICO; rho *= 3)
		for (int64_t delta = 1; delta < DP_ATTO / 20; delta *= 7)
		{
			int64_t		epsilon;
			double		of_rho;

			if (dp_rho_to_epsilon(rho, delta, &epsilon) != DP_OK)
				wrong++;
			of_rho = (double) epsilon * 1e-9;
			if (gaussian_delta((double) rho * 1e-12, of_rho) > (double) delta * 1e-18)
				wrong++;
			if (of_rho > 0.1 && of_rho < 30.0 && delta < DP_ATTO / 100000)
				widest = fmax(widest, gaussian_delta((double) rho * 1e-12, of_rho / 1.35) < (double) delta * 1e-18 ? 2.0 : 1.0);
		}
	tap_ok(wrong == 0, "one Gaussian of any rho is within what rho says");
	tap_ok(widest < 2.0, "... and rho says less than 1.35 of it");
}

static void
test_limits(void)
{
	int			wrong = 0;

	for (int64_t epsilon = 1000; epsilon < 1000 * DP_NANO; epsilon = epsilon * 5 + 1)
		for (int64_t delta = 1; delta < DP_ATTO; delta = delta * 11 + 3)
		{
			int64_t		rho,
						back,
						above;

			if (dp_rho_within(epsilon, delta, &rho) != DP_OK ||
				dp_rho_to_epsilon(rho, delta, &back) != DP_OK || back > epsilon ||
				dp_rho_to_epsilon(rho + rho / 1000 + 2, delta, &above) != DP_OK || above <= epsilon)
				wrong++;
		}
	tap_ok(wrong == 0, "the largest rho within a budget is within it, and a thousandth more is not");
}

static void
test_ranges(void)
{
	int64_t		out = 7;

	tap_ok(dp_rho_of_epsilon(DP_NANO, &out) == DP_OK && out == DP_PICO / 2, "epsilon 1 costs rho 1/2");
	tap_ok(dp_rho_of_epsilon(DP_MAX_EPSILON_NANO, &out) == DP_OK && out == 1000 * DP_PICO, "the largest epsilon has a rho: itself");
	tap_ok(dp_rho_of_epsilon(2 * DP_NANO, &out) == DP_OK && out == 2 * DP_PICO &&
		   dp_rho_of_epsilon(2 * DP_NANO + 1, &out) == DP_OK && out == 2 * DP_PICO + 1000,
		   "from epsilon 2 on rho is epsilon");
	tap_ok(dp_rho_of_epsilon(1, &out) == DP_OK && out == 1 && dp_rho_of_epsilon(1500, &out) == DP_OK && out == 2, "rho is rounded up");
	tap_ok(dp_rho_of_epsilon(0, &out) == DP_ERR_RANGE && out == 0, "epsilon 0 is refused");
	tap_ok(dp_rho_of_epsilon(DP_MAX_EPSILON_NANO + 1, &out) == DP_ERR_RANGE, "epsilon over the largest is refused");
	tap_ok(dp_rho_to_epsilon(0, 1, &out) == DP_OK && out == 0, "rho 0 costs nothing");
	tap_ok(dp_rho_to_epsilon(1, 0, &out) == DP_ERR_RANGE && dp_rho_to_epsilon(1, DP_ATTO, &out) == DP_ERR_RANGE &&
		   dp_rho_to_epsilon(-1, 1, &out) == DP_ERR_RANGE && dp_rho_to_epsilon(DP_MAX_RHO_PICO + 1, 1, &out) == DP_ERR_RANGE,
		   "what is out of range is refused");
	tap_ok(dp_rho_within(-1, 1, &out) == DP_ERR_RANGE && dp_rho_within(1, 0, &out) == DP_ERR_RANGE, "also the other way");
}

/* What is left, as one more release. */
static void
test_last_release(void)
{
	int			wrong = 0;

	for (int64_t rho = 0; rho < 2000 * DP_PICO; rho = rho * 3 + 1)
	{
		int64_t		epsilon = dp_epsilon_of_rho(rho);
		int64_t		cost = 0;
		int64_t		more = 0;

		if (epsilon > 0 && (dp_rho_of_epsilon(epsilon, &cost) != DP_OK || cost > rho))
			wrong++;
		if (epsilon < DP_MAX_EPSILON_NANO && (dp_rho_of_epsilon(epsilon + 1, &more) != DP_OK || more <= rho))
			wrong++;
	}
	tap_ok(wrong == 0, "the largest release that a rho pays for costs no more, and a larger one does");
	tap_ok(dp_epsilon_of_rho(0) == 0 && dp_epsilon_of_rho(DP_PICO / 2) == DP_NANO &&
		   dp_epsilon_of_rho(INT64_MAX) == DP_MAX_EPSILON_NANO, "nothing pays for nothing, 1/2 for epsilon 1");
	tap_ok(dp_rho_conversion_delta(1) == 1 && dp_rho_conversion_delta(2) == 1 && dp_rho_conversion_delta(5) == 3,
		   "half of a delta, rounded up, is what rho is read at");
}

int
main(void)
{
	tap_plan(9 + 3 + 8 + 2 + 1 + 1);
	test_ranges();
	test_last_release();
	test_against_exact(1000, 0.01, 1e-6, 1.10);
	test_against_exact(100, 0.1, 1e-6, 1.10);
	test_against_exact(10000, 0.01, 1e-9, 1.10);
	test_against_exact(400, 0.2, 1e-8, 1.10);
	tap_ok(by_rho(1000, 0.01, 1e-6) < 1.5, "1,000 releases of 0.01 cost less than 1.5, not 10");
	test_gaussians();
	test_limits();
	return tap_done();
}
