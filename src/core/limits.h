/*
 * limits.h
 *		Limits that settings, labels and releases share; DP_MAX_GROUPS is mechanism/noise.h's.
 */
#ifndef DP_LIMITS_H
#define DP_LIMITS_H

/* Most rows of an individual that may count in a group. */
#define DP_MAX_ROWS 1000000

#endif							/* DP_LIMITS_H */
