/*
 * sums.h
 *		Outputs that are functions of sums.
 */
#ifndef DP_SUMS_H
#define DP_SUMS_H

#include "postgres.h"

#include "query/builder.h"
#include "spec/spec.h"

extern void add_moments(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output,
						SpecOutputKind kind);
extern void add_pair(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output,
					 SpecOutputKind kind);

#endif							/* DP_SUMS_H */
