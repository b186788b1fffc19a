/*
 * tap.h
 *		TAP output, goodness of fit, and byte sources for the unit tests.
 */
#ifndef DP_TAP_H
#define DP_TAP_H

#include <stdbool.h>
#include <stddef.h>

#include "mechanism/random.h"

/*
 * False-alarm probability of one statistical check.  The suite has fewer than
 * 200 of them, so that a sound build fails less than once in 50,000 runs.
 */
#define ALPHA 1e-7

/* |N(0,1)| exceeds this with probability 1e-7. */
#define Z_ALPHA 5.327

extern void tap_plan(int tests);
extern bool tap_ok(bool passed, const char *format,...)
			__attribute__((format(printf, 2, 3)));
extern int	tap_done(void);

/*
 * n, or n / UNIT_DIVISOR where that is set in the environment: for runs under
 * valgrind, where a million draws take too long.
 */
extern long tap_draws(long n);

extern double upper_gamma(double a, double x);
extern double chi_square_p(const long *observed, const double *probability,
						   int cells, long n);
extern bool tap_fits(const long *observed, const double *probability,
					 int cells, long n, const char *format,...)
			__attribute__((format(printf, 5, 6)));

/* A source that repeats `value`, and fails after `fills` calls if >= 0. */
typedef struct constant_source
{
	unsigned char value;
	int			fills;
} constant_source;

extern int	constant_bytes(void *ctx, unsigned char *buf, size_t len);

#endif							/* DP_TAP_H */
