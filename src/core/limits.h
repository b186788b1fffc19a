/*
 * limits.h
 *		The limits that settings, labels and releases share.
 *
 * Its companion, the most groups of an individual, is DP_MAX_GROUPS in mechanism/noise.h.
 */
#ifndef DP_LIMITS_H
#define DP_LIMITS_H

/* Most rows of one individual that may count in one group. */
#define DP_MAX_ROWS 1000000

/* Most rows of one individual that may count in one release. */
#define DP_MAX_TOTAL 100000000

/*
 * Most grouping sets of one GROUP BY that are released, each with a share of the price; core/refusals.c
 * says the number, too.
 */
#define DP_MAX_GROUPING_SETS 32

#endif							/* DP_LIMITS_H */
