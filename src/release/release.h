/*
 * release.h
 *		The sealed release node, and paying for it.
 */
#ifndef DP_RELEASE_H
#define DP_RELEASE_H

#include "postgres.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"

#include "aggregate/collect.h"
#include "mechanism/random.h"
#include "release/spec.h"

/* path.c */
extern void release_path_init(void);

/* node.c */
extern Node *release_create_state(CustomScan *scan);
extern bool is_release_state(PlanState *state);
extern const ReleaseSpec *release_spec(PlanState *state);
extern const ReleaseParams *release_params(PlanState *state);
extern List *release_nested(PlanState *state);
extern void release_mark_paid(PlanState *state);
extern uint64 release_bounding_key(void);
extern int	release_min_individuals(void);

/* values.c */
extern double *values_simulate(const ReleaseSpec *spec, const ReleaseParams *params);
extern Datum values_output(const ReleaseSpec *spec, const ReleaseParams *params,
						   const SpecOutput *output, const dp_int128 *noisy,
						   const double *noise, bool *isnull);
extern double values_standard_error(const ReleaseSpec *spec, const ReleaseParams *params,
									const SpecOutput *output, const dp_int128 *noisy);

/* parts.c */
typedef struct PartsState PartsState;

extern PartsState *parts_begin(const ReleaseSpec *spec, const ReleaseParams *params);
extern bool parts_draw(PartsState *state, dp_random *rng, const Datum *sketches,
					   const bool *isnull);
extern Datum parts_output(PartsState *state, const SpecOutput *output, bool *isnull);

/* last.c */
extern void last_begin(const ReleaseSpec *spec, const ReleaseParams *params);
extern void last_group(const ReleaseSpec *spec, const ReleaseParams *params,
					   const dp_int128 *noisy);
extern void last_end(void);

/* scans.c */
extern void find_releases(PlanState *state, List **releases, List **relids);

/* pay.c */
extern void pay_init(void);

/* quiet.c */
typedef struct QuietState
{
	int			nestlevel;
} QuietState;

extern void quiet_begin(QuietState *quiet);
extern void quiet_end(QuietState *quiet);
extern void quiet_relations(PlanState *state);

#endif							/* DP_RELEASE_H */
