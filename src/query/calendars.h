/*
 * calendars.h
 *		Group keys of a public side that an outer join keeps whole.
 */
#ifndef DP_CALENDARS_H
#define DP_CALENDARS_H

#include "postgres.h"

#include "query/builder.h"

extern Query *public_side(Level *level);
extern void settle_calendar(ReleaseBuilder *builder, Query *side);
extern void list_calendar(ReleaseBuilder *builder, Query *query);

#endif							/* DP_CALENDARS_H */
