/*
 * explain.h
 *		Sessions in which a plan, or what depends on rows, would be printed.
 */
#ifndef DP_EXPLAIN_H
#define DP_EXPLAIN_H

#include "postgres.h"

extern void explain_begin(void);
extern void explain_end(void);
extern bool explaining(void);
extern void refuse_unsafe_session(void);

#endif							/* DP_EXPLAIN_H */
