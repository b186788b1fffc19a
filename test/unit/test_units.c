/*
 * test_units.c
 *		Conversions and sums of privacy loss: no randomness, no false alarms.
 */
#include <math.h>

#include "accounting/units.h"
#include "mechanism/noise.h"
#include "tap.h"

static bool
epsilon_is(double epsilon, int64_t expected)
{
	int64_t		nano = -1;

	return dp_epsilon_from_double(epsilon, &nano) == DP_OK && nano == expected;
}

static bool
epsilon_refused(double epsilon)
{
	int64_t		nano = -1;

	return dp_epsilon_from_double(epsilon, &nano) == DP_ERR_RANGE && nano == 0;
}

static bool
delta_is(double delta, int64_t expected)
{
	int64_t		atto = -1;

	return dp_delta_from_double(delta, &atto) == DP_OK && atto == expected;
}

static bool
delta_refused(double delta)
{
	int64_t		atto = -1;

	return dp_delta_from_double(delta, &atto) == DP_ERR_RANGE && atto == 0;
}

static void
test_epsilon(void)
{
	bool		decimals = true;

	tap_ok(epsilon_is(1.0, DP_NANO), "epsilon 1");
	tap_ok(epsilon_is(0.1, 100000000), "epsilon 0.1");
	tap_ok(epsilon_is(1e-9, DP_MIN_EPSILON_NANO), "the least epsilon");
	tap_ok(epsilon_is(1000.0, DP_MAX_EPSILON_NANO), "the greatest epsilon");
	tap_ok(epsilon_is(0.6e-9, 1), "0.6 nano is rounded up");
	tap_ok(epsilon_is(1.4e-9, 1), "1.4 nano is rounded down");
	tap_ok(epsilon_refused(0.4e-9), "less than half a nano is refused");
	tap_ok(epsilon_refused(5e-324), "a denormal is refused");
	tap_ok(epsilon_refused(0.0) && epsilon_refused(-0.0), "zero is refused");
	tap_ok(epsilon_refused(-1.0), "a negative epsilon is refused");
	tap_ok(epsilon_refused(NAN), "NaN is refused");
	tap_ok(epsilon_refused(INFINITY) && epsilon_refused(-INFINITY),
		   "infinities are refused");
	tap_ok(epsilon_refused(1000.000000001), "one nano above the range is refused");
	tap_ok(epsilon_refused(1e300), "an epsilon beyond int64 is refused");
	for (int64_t i = 1; i <= 1000000; i++)
		decimals = decimals && epsilon_is((double) i / 1e6, i * 1000);
	tap_ok(decimals, "every epsilon of six decimals up to 1 is exact");
}

static void
test_delta(void)
{
	bool		decimals = true;

	tap_ok(delta_is(1e-6, INT64_C(1000000000000)), "delta 1e-6");
	tap_ok(delta_is(0.3, 3 * (DP_ATTO / 10)), "delta 0.3");
	tap_ok(delta_is(1e-18, 1), "the least delta");
	tap_ok(delta_is(0.6e-18, 1), "0.6 atto is rounded up");
	tap_ok(delta_refused(0.4e-18), "less than half an atto is refused");
	tap_ok(delta_is(0.999999999999999, DP_ATTO - 1000), "the greatest delta");
	tap_ok(delta_refused(nextafter(1.0, 0.0)), "a delta that rounds to 1 is refused");
	tap_ok(delta_refused(1.0) && delta_refused(2.0), "1 and more are refused");
	tap_ok(delta_refused(0.0) && delta_refused(-1e-6),
		   "zero and negative deltas are refused");
	tap_ok(delta_refused(NAN) && delta_refused(INFINITY) &&
		   delta_refused(-INFINITY), "NaN and infinities are refused");
	for (int64_t i = 1; i < 1000000; i++)
		decimals = decimals &&
			delta_is((double) i / 1e6, i * INT64_C(1000000000000)) &&
			delta_is((double) i / 1e12, i * INT64_C(1000000));
	tap_ok(decimals, "every delta of six digits, above and below 0.001, is exact");
}

static void
test_sums(void)
{
	int64_t		sum = 7;

	tap_ok(dp_loss_add(2, 3, &sum) == DP_OK && sum == 5, "2 + 3");
	tap_ok(dp_loss_add(INT64_MAX, 0, &sum) == DP_OK && sum == INT64_MAX,
		   "the greatest sum");
	sum = 7;
	tap_ok(dp_loss_add(INT64_MAX, 1, &sum) == DP_ERR_RANGE && sum == 7,
		   "an overflow is refused");
	tap_ok(dp_loss_add(INT64_MAX, INT64_MAX, &sum) == DP_ERR_RANGE && sum == 7,
		   "a large overflow is refused");
	tap_ok(dp_loss_add(-1, 3, &sum) == DP_ERR_RANGE &&
		   dp_loss_add(3, -1, &sum) == DP_ERR_RANGE &&
		   dp_loss_add(INT64_MIN, 0, &sum) == DP_ERR_RANGE && sum == 7,
		   "negative losses are refused");

	tap_ok(dp_loss_fits(10, 7, 3), "exactly the limit fits");
	tap_ok(!dp_loss_fits(10, 7, 4), "one above does not");
	tap_ok(!dp_loss_fits(10, 11, 0), "nothing fits once overspent");
	tap_ok(dp_loss_fits(0, 0, 0), "nothing fits nothing");
	tap_ok(!dp_loss_fits(INT64_MAX, INT64_MAX, 1) &&
		   !dp_loss_fits(INT64_MAX, INT64_MAX, INT64_MAX) &&
		   dp_loss_fits(INT64_MAX, INT64_MAX - 1, 1), "no overflow at the edge");
	tap_ok(!dp_loss_fits(10, 7, -1) && !dp_loss_fits(10, -5, 12) &&
		   !dp_loss_fits(-1, 0, 0) && !dp_loss_fits(10, INT64_MIN, INT64_MIN),
		   "negative losses never fit");
}

int
main(void)
{
	tap_plan(37);
	test_epsilon();
	test_delta();
	test_sums();
	return tap_done();
}
