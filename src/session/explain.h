/*
 * explain.h
 *		Refuses sessions that would print a plan, or anything else that depends on rows.
 */
#ifndef DP_EXPLAIN_H
#define DP_EXPLAIN_H

#include "postgres.h"

extern void explain_begin(void);
extern void explain_end(void);
extern bool explaining(void);
extern void explain_permit_estimate(const void *statement);
extern bool explain_is_estimate(const void *statement);
extern void refuse_unsafe_session(bool estimated);

#endif							/* DP_EXPLAIN_H */
