/*
 * outputs.h
 *		Aggregates become outputs of a release.
 */
#ifndef DP_OUTPUTS_H
#define DP_OUTPUTS_H

#include "postgres.h"

#include "query/builder.h"
#include "spec/spec.h"

extern int	add_output(ReleaseBuilder *builder, Aggref *aggref, SpecEnd end, Node *level);

#endif							/* DP_OUTPUTS_H */
