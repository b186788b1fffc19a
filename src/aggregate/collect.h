/*
 * collect.h
 *		Reads the exact sums of one group, as the collector leaves them.
 */
#ifndef DP_COLLECT_H
#define DP_COLLECT_H

#include "postgres.h"

#include "aggregate/contribution.h"
#include "aggregate/sum.h"
#include "mechanism/status.h"
#include "spec/spec.h"

extern const CollectState *collect_read_state(Datum datum, int nsums);
extern void collect_read_sums(const Contributions *contributions, Datum datum, int64 *sums);
extern int64 collect_individuals(const CollectState *state);
extern dp_int128 collect_coordinate(const ReleaseSpec *spec, const CollectState *state, int i);

#endif							/* DP_COLLECT_H */
