/*
 * conversions.h
 *		Citus replaces a protected table by another: its facade goes over to that.
 */
#ifndef DP_CONVERSIONS_H
#define DP_CONVERSIONS_H

#include "postgres.h"

#include "tcop/utility.h"

extern void conversions_init(void);
extern uint64 conversions_begun(void);
extern bool conversion_begin(Node *statement, ProcessUtilityContext context);
extern bool conversion_replaces(Node *statement, ProcessUtilityContext context, QueryCompletion *qc);
extern void conversions_settle(uint64 begun);
extern bool is_label_of_shard(Node *statement);

#endif							/* DP_CONVERSIONS_H */
