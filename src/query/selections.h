/*
 * selections.h
 *		Outputs that are chosen from sketches.
 */
#ifndef DP_SELECTIONS_H
#define DP_SELECTIONS_H

#include "postgres.h"

#include "query/builder.h"
#include "spec/spec.h"

extern void add_rank(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output,
					 SpecTargetKind kind);
extern void add_quantile(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output);
extern void add_frequent(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, bool top);
extern void add_first_value(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, bool last);
extern void add_list(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output);
extern void add_histogram(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output);
extern void add_bounds(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output);
extern void add_distinct(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output);

#endif							/* DP_SELECTIONS_H */
