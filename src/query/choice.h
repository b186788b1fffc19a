/*
 * choice.h
 *		Public sub-selects that choose among their rows.
 */
#ifndef DP_CHOICE_H
#define DP_CHOICE_H

#include "postgres.h"

#include "query/level.h"

extern void settle_choice(RewriteContext *context, Query *query);

#endif							/* DP_CHOICE_H */
