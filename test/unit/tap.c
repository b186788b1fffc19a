/*
 * tap.c
 *		TAP output, goodness of fit, and byte sources for the unit tests.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define MAX_CELLS 4096

static int	planned = 0;
static int	run = 0;
static int	failed = 0;

void
tap_plan(int tests)
{
	planned = tests;
	printf("1..%d\n", tests);
}

static bool
report(bool passed, const char *format, va_list args)
{
	run++;
	if (!passed)
		failed++;
	printf("%s %d - ", passed ? "ok" : "not ok", run);
	vprintf(format, args);
	return passed;
}

bool
tap_ok(bool passed, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	report(passed, format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	return passed;
}

int
tap_done(void)
{
	if (run != planned)
		printf("# planned %d tests but ran %d\n", planned, run);
	if (failed > 0)
		printf("# %d of %d tests failed\n", failed, run);
	return failed > 0 || run != planned ? 1 : 0;
}

long
tap_draws(long n)
{
	const char *divisor = getenv("UNIT_DIVISOR");

	if (divisor != NULL && atol(divisor) > 1)
		n /= atol(divisor);
	return n;
}

/*
 * Regularized upper incomplete gamma function Q(a, x): by the power series of
 * the lower function where x < a + 1, by its continued fraction (evaluated
 * from the front, modified Lentz) elsewhere.
 */
double
upper_gamma(double a, double x)
{
	double		front;

	if (x <= 0.0)
		return 1.0;
	front = exp(a * log(x) - x - lgamma(a));

	if (x < a + 1.0)
	{
		double		term = 1.0 / a;
		double		sum = term;

		for (int n = 1; n < 100000 && term > sum * 1e-16; n++)
		{
			term *= x / (a + n);
			sum += term;
		}
		return 1.0 - front * sum;
	}
	else
	{
		double		b = x + 1.0 - a;
		double		c = 1e300;
		double		d = 1.0 / b;
		double		value = d;

		for (int n = 1; n < 100000; n++)
		{
			double		numerator = -n * (n - a);
			double		step;

			b += 2.0;
			d = 1.0 / (numerator * d + b);
			c = b + numerator / c;
			step = c * d;
			value *= step;
			if (fabs(step - 1.0) < 1e-15)
				break;
		}
		return front * value;
	}
}

/*
 * p-value of Pearson's chi-square test of n draws against the probabilities of
 * the cells.  Cells that expect fewer than 10 draws are pooled.  A draw where
 * the probability is zero, probabilities that do not sum to one and counts that
 * do not sum to n give 0.
 */
double
chi_square_p(const long *observed, const double *probability, int cells, long n)
{
	double		statistic = 0.0;
	double		pooled_expected = 0.0;
	double		total = 0.0;
	long		pooled_observed = 0;
	long		drawn = 0;
	int			used = 0;

	for (int i = 0; i < cells; i++)
	{
		double		expected = probability[i] * (double) n;

		total += probability[i];
		drawn += observed[i];
		if (probability[i] <= 0.0 && observed[i] > 0)
			return 0.0;
		if (expected < 10.0)
		{
			pooled_expected += expected;
			pooled_observed += observed[i];
			continue;
		}
		statistic += ((double) observed[i] - expected) *
			((double) observed[i] - expected) / expected;
		used++;
	}
	if (fabs(total - 1.0) > 1e-9 || drawn != n)
		return 0.0;
	if (pooled_expected >= 10.0)
	{
		statistic += ((double) pooled_observed - pooled_expected) *
			((double) pooled_observed - pooled_expected) / pooled_expected;
		used++;
	}
	if (used < 2)
		return 1.0;
	return upper_gamma(0.5 * (used - 1), 0.5 * statistic);
}

/* One TAP test: the draws fit the law, with a false-alarm rate of ALPHA. */
bool
tap_fits(const long *observed, const double *probability, int cells, long n,
		 const char *format,...)
{
	double		p = chi_square_p(observed, probability, cells, n);
	va_list		args;

	va_start(args, format);
	report(p >= ALPHA, format, args);
	va_end(args);
	printf(" (%d cells, %ld draws, p = %.3g)\n", cells, n, p);
	fflush(stdout);
	return p >= ALPHA;
}

int
constant_bytes(void *ctx, unsigned char *buf, size_t len)
{
	constant_source *source = ctx;

	if (source->fills == 0)
		return -1;
	if (source->fills > 0)
		source->fills--;
	memset(buf, source->value, len);
	return 0;
}
