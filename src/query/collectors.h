/*
 * collectors.h
 *		Calls of the extension's own aggregates and placeholders, in the query of a release.
 */
#ifndef DP_COLLECTORS_H
#define DP_COLLECTORS_H

#include "postgres.h"

#include "policy/extension.h"
#include "query/builder.h"

extern List *collector_arguments(ReleaseBuilder *builder, List *arguments);
extern Aggref *make_collector(ReleaseBuilder *builder, DpFunction function, List *arguments);
extern void append_sketches(ReleaseBuilder *builder, Query *query, DpFunction function,
							List *values, List *more, const char *name);
extern void append_outputs(ReleaseBuilder *builder, Query *release);

#endif							/* DP_COLLECTORS_H */
