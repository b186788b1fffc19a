/*
 * scales.h
 *		How many digits after the point an expression has.
 */
#ifndef DP_SCALES_H
#define DP_SCALES_H

#include "postgres.h"

#include "query/level.h"
#include "spec/spec.h"

extern SpecDigits digits_of_sum(Level *level, Node *expr);
extern SpecDigits digits_of_mean(Level *level, Node *expr, Oid type);

#endif							/* DP_SCALES_H */
