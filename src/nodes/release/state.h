/*
 * state.h
 *		A release node that has been started.
 */
#ifndef DP_RELEASE_STATE_H
#define DP_RELEASE_STATE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/execnodes.h"

#include "mechanism/average.h"
#include "mechanism/status.h"
#include "nodes/release/parts_state.h"
#include "nodes/release/store.h"
#include "spec/canonical.h"
#include "spec/spec.h"
#include "tier/grade.h"

/* A release node, from its begin to its end. */
typedef struct ReleaseState
{
	CustomScanState css;		/* must be first */
	const ReleaseSpec *spec;
	ReleaseParams params;
	uint64		statement;		/* with which it was paid for, by number */
	int			number;			/* its own among the releases of that, from 1 */
	bool		paid;
	bool		drained;
	TierCodes	codes;			/* what it reveals; known once it is paid for */
	dp_int128	tau;			/* threshold of the gate, if there is a vector */
	PartsState *parts;
	Canonical  *keys;			/* forms of the group keys */
	dp_average_law law;			/* of the current group */
	double	   *simulated;		/* noise vectors for ends of intervals, or NULL */
	PlanState  *child;			/* NULL once it has ended */
	List	   *plans;			/* the child, and plans that it asks for by itself */
	List	   *needs;			/* see ReleaseNeed */
	List	   *nested;			/* release nodes inside the child */
	List	   *grain_calls;	/* of dp_agg.grain_end() in its plans, each once */
	List	   *grains;			/* texts: conditions that these have rounded */
	ReleasedRows released;
	int64		groups;			/* how many groups have left */
	bool		shown[DP_MAX_OUTPUTS];	/* the output had a value in some group */
	bool		shows;			/* some output has a value, or some key has left without
								 * outputs */
	int64		smallest_group; /* individuals from which a group appears; known when it has
								 * run */
	int64		smallest[DP_MAX_OUTPUTS];	/* and from which an output has a value */
	struct Reuse *reuse;		/* by what it is known when it is asked for again; NULL: it is
								 * drawn each time */
#ifdef DP_FAULT_NOISELESS
	StringInfo	vectors;		/* of all groups, for tests */
#endif
	struct LastRelease *last;	/* what last_release() will say of it; NULL: nothing */
} ReleaseState;

/* The node as what it is; it must be one of node_release. */
static inline ReleaseState *
release_state(PlanState *state)
{
	return (ReleaseState *) state;
}

#endif							/* DP_RELEASE_STATE_H */
