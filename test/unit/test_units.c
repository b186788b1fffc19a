/*
 * test_units.c
 *		Conversions and sums of privacy loss: no randomness, no false alarms.
 */
#include <math.h>
#include <string.h>

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

/*
 * Is units the least integer with units >= x * one?  Exactly, for x from 1e-18 up:
 * what is shifted stays below 2^114.
 */
static bool
is_ceiling(double x, int64_t one, int64_t units)
{
	int			exponent;
	__int128	mantissa = (__int128) ldexp(frexp(x, &exponent), 53);
	int			shift = 53 - exponent;	/* x is mantissa / 2^shift */
	__int128	product = mantissa * one;

	return ((__int128) units << shift) >= product &&
		((__int128) (units - 1) << shift) < product;
}

/* Is one unit charged for the double, and one more for the next one above it? */
static bool
epsilon_steps(int64_t nano)
{
	double		x = (double) nano / 1e9;

	return epsilon_is(x, nano) && epsilon_is(nextafter(x, INFINITY), nano + 1) &&
		epsilon_is(nextafter(x, 0.0), nano);
}

static void
test_epsilon(void)
{
	bool		decimals = true;
	bool		steps = true;
	bool		ceilings = true;

	tap_ok(epsilon_is(1.0, DP_NANO), "epsilon 1");
	tap_ok(epsilon_is(0.1, 100000000), "epsilon 0.1, which is stored as a little more");
	tap_ok(epsilon_is(0.1 + 0.2, 300000001), "0.1 + 0.2 in doubles is no 0.3");
	tap_ok(epsilon_is(1e-9, DP_MIN_EPSILON_NANO), "the least epsilon");
	tap_ok(epsilon_is(1000.0, DP_MAX_EPSILON_NANO), "the greatest epsilon");
	tap_ok(epsilon_is(1.4e-9, 2), "1.4 nano costs 2");
	tap_ok(epsilon_is(1.6e-9, 2), "1.6 nano costs 2");
	tap_ok(epsilon_is(1.0000000004e-3, 1000001), "a fraction of a unit costs a unit");
	tap_ok(epsilon_is(1.0 / 3.0, 333333334), "a third");
	tap_ok(epsilon_is(nextafter(1e-9, 1.0), 2), "the double after the least");
	tap_ok(epsilon_is(nextafter(1000.0, 0.0), DP_MAX_EPSILON_NANO), "the double before the greatest");
	tap_ok(epsilon_refused(nextafter(1e-9, 0.0)) && epsilon_refused(0.6e-9), "less than a nano is refused");
	tap_ok(epsilon_refused(5e-324) && epsilon_refused(2.2250738585072014e-308 / 3), "denormals are refused");
	tap_ok(epsilon_refused(0.0) && epsilon_refused(-0.0), "zero is refused");
	tap_ok(epsilon_refused(-1.0) && epsilon_refused(-5e-324), "a negative epsilon is refused");
	tap_ok(epsilon_refused(NAN) && epsilon_refused(-NAN), "NaN is refused");
	tap_ok(epsilon_refused(INFINITY) && epsilon_refused(-INFINITY),
		   "infinities are refused");
	tap_ok(epsilon_refused(1000.000000001) && epsilon_refused(nextafter(1000.0, 2000.0)),
		   "anything above the range is refused");
	tap_ok(epsilon_refused(1e300), "an epsilon beyond int64 is refused");
	for (int64_t i = 1; i <= 1000000; i++)
		decimals = decimals && epsilon_is((double) i / 1e6, i * 1000);
	tap_ok(decimals, "every epsilon of six decimals up to 1 is exact");
	for (int64_t nano = 2; nano < DP_MAX_EPSILON_NANO; nano += 1 + nano / 1000)
		steps = steps && epsilon_steps(nano);
	tap_ok(steps, "a double more than a whole number of units costs the next one");
	for (double x = 1.0000001e-9; x < 1000; x *= 1.00012345)
	{
		int64_t		nano;

		ceilings = ceilings && dp_epsilon_from_double(x, &nano) == DP_OK &&
			(is_ceiling(x, DP_NANO, nano) || (double) nano / 1e9 == x);
	}
	tap_ok(ceilings, "any other double costs the next whole number of units");
}

static void
test_delta(void)
{
	bool		decimals = true;
	bool		ceilings = true;

	tap_ok(delta_is(1e-6, INT64_C(1000000000000)), "delta 1e-6");
	tap_ok(delta_is(1e-8, INT64_C(10000000000)), "delta 1e-8");
	tap_ok(delta_is(0.3, 3 * (DP_ATTO / 10)), "delta 0.3");
	tap_ok(delta_is(0.1 + 0.2, INT64_C(300000000000000045)), "0.1 + 0.2 in doubles is no 0.3");
	tap_ok(delta_is(1e-18, 1), "the least delta");
	tap_ok(delta_is(1.4e-18, 2), "1.4 atto costs 2");
	tap_ok(delta_is(1.0 / 3.0, INT64_C(333333333333333315)), "a third, as it is stored");
	tap_ok(delta_refused(0.6e-18) && delta_refused(nextafter(1e-18, 0.0)), "less than an atto is refused");
	tap_ok(delta_refused(5e-324), "a denormal is refused");
	tap_ok(delta_is(0.999999999999999, DP_ATTO - 1000), "the greatest delta of 15 decimals");
	tap_ok(delta_is(nextafter(1.0, 0.0), INT64_C(999999999999999889)), "the double before 1");
	tap_ok(delta_is(nextafter(0.001, 0.0), INT64_C(1000000000000000)), "the double before 0.001");
	tap_ok(delta_is(nextafter(0.001, 1.0), INT64_C(1000000000000001)), "the double after 0.001");
	tap_ok(delta_refused(1.0) && delta_refused(2.0), "1 and more are refused");
	tap_ok(delta_refused(0.0) && delta_refused(-0.0) && delta_refused(-1e-6),
		   "zero and negative deltas are refused");
	tap_ok(delta_refused(NAN) && delta_refused(INFINITY) &&
		   delta_refused(-INFINITY), "NaN and infinities are refused");
	for (int64_t i = 1; i < 1000000; i++)
		decimals = decimals &&
			delta_is((double) i / 1e6, i * INT64_C(1000000000000)) &&
			delta_is((double) i / 1e12, i * INT64_C(1000000));
	tap_ok(decimals, "every delta of six digits, above and below 0.001, is exact");
	for (double x = 1.0000001e-18; x < 1; x *= 1.00012345)
	{
		int64_t		atto;

		ceilings = ceilings && dp_delta_from_double(x, &atto) == DP_OK &&
			(is_ceiling(x, DP_ATTO, atto) ||
			 (x < 0.001 ? (double) atto / 1e18 == x :
			  atto % 1000 == 0 && (double) (atto / 1000) / 1e15 == x));
	}
	tap_ok(ceilings, "any other double costs the next whole number of units");
}

static bool
text_is(int64_t amount, int digits, const char *expected)
{
	char		text[DP_UNITS_TEXT];

	dp_units_text(amount, digits, text);
	return strcmp(text, expected) == 0;
}

static void
test_text(void)
{
	tap_ok(text_is(0, 9, "0") && text_is(0, 18, "0"), "nothing as text");
	tap_ok(text_is(1, 9, "0.000000001") && text_is(1, 12, "0.000000000001") && text_is(1, 18, "0.000000000000000001"), "one unit");
	tap_ok(text_is(500000000, 9, "0.5") && text_is(10 * DP_NANO, 9, "10"), "no zeros at the end");
	tap_ok(text_is(INT64_MAX, 9, "9223372036.854775807") &&
		   text_is(INT64_MAX, 18, "9.223372036854775807"), "the largest amount");
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
	tap_ok(dp_loss_add_saturated(2, 3) == 5 && dp_loss_add_saturated(INT64_MAX, 1) == INT64_MAX &&
		   dp_loss_add_saturated(INT64_MAX, INT64_MAX) == INT64_MAX &&
		   dp_loss_add_saturated(INT64_MAX - 1, 1) == INT64_MAX, "a sum that is not to overflow stays at the largest");
	tap_ok(dp_loss_add(-1, 3, &sum) == DP_ERR_RANGE &&
		   dp_loss_add(3, -1, &sum) == DP_ERR_RANGE &&
		   dp_loss_add(INT64_MIN, 0, &sum) == DP_ERR_RANGE && sum == 7,
		   "negative losses are refused");

	tap_ok(dp_loss_share(10, 1, 3) == 3 && dp_loss_share(10, 3, 3) == 10 && dp_loss_share(2, 1, 3) == 0,
		   "a share is rounded down");
	tap_ok(dp_loss_share(INT64_MAX, INT64_MAX - 1, INT64_MAX) == INT64_MAX - 1 &&
		   dp_loss_share(DP_ATTO, 1 << 29, 1 << 30) == DP_ATTO / 2, "no overflow in a share");
	tap_ok(dp_loss_share(-1, 1, 2) == 0 && dp_loss_share(10, 0, 2) == 0 && dp_loss_share(10, 3, 2) == 0,
		   "no share of nothing, and none above the whole");
	tap_ok(dp_loss_left(10, 7) == 3 && dp_loss_left(10, 10) == 0, "what is left of a limit");
	tap_ok(dp_loss_left(10, 11) == 0, "nothing is left once overspent");
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
	tap_plan(61);
	test_epsilon();
	test_delta();
	test_text();
	test_sums();
	return tap_done();
}
