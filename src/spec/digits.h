/*
 * digits.h
 *		How many digits of a number are shown.
 */
#ifndef DP_DIGITS_H
#define DP_DIGITS_H

#include "postgres.h"

#include "spec/spec.h"

/* All digits: there is no rounding. */
#define DP_ALL_DIGITS PG_INT16_MAX

extern int	digits_count(const SpecDigits *digits, double width);
extern double digits_round(double value, int count, SpecEnd end);
extern Datum digits_datum(Oid type, double value, int count);

#endif							/* DP_DIGITS_H */
