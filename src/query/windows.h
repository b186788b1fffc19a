/*
 * windows.h
 *		Window functions over the rows of one individual.
 */
#ifndef DP_WINDOWS_H
#define DP_WINDOWS_H

#include "postgres.h"

#include "query/level.h"

extern void settle_windows(RewriteContext *context, Level *level, Individuals *individuals);
extern Aggref *window_aggregate(WindowFunc *window);
extern Node *orderless_window(RewriteContext *context, WindowFunc *window);

#endif							/* DP_WINDOWS_H */
