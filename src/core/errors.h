/*
 * errors.h
 *		SQLSTATEs of dp_agg, which clients rely on, and which errors may be about rows.
 */
#ifndef DP_ERRORS_H
#define DP_ERRORS_H

#include "utils/elog.h"

#include "core/compat.h"

#define ERRCODE_DP_BUDGET_EXHAUSTED	MAKE_SQLSTATE('D', 'P', '0', '0', '1')
#define ERRCODE_DP_QUERY_REFUSED	MAKE_SQLSTATE('D', 'P', '0', '0', '2')
#define ERRCODE_DP_BOUNDS			MAKE_SQLSTATE('D', 'P', '0', '0', '3')
#define ERRCODE_DP_LEDGER			MAKE_SQLSTATE('D', 'P', '0', '0', '4')

/* Is the SQLSTATE one of dp_agg's own? */
static inline bool
error_is_ours(int sqlerrcode)
{
	return sqlerrcode == ERRCODE_DP_BUDGET_EXHAUSTED || sqlerrcode == ERRCODE_DP_QUERY_REFUSED ||
		sqlerrcode == ERRCODE_DP_BOUNDS || sqlerrcode == ERRCODE_DP_LEDGER;
}

DP_NORETURN extern void malformed(const char *what);
extern bool error_is_about_values(int sqlerrcode);

#endif							/* DP_ERRORS_H */
