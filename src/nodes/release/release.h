/*
 * release.h
 *		The sealed release node, and paying for it.
 */
#ifndef DP_RELEASE_H
#define DP_RELEASE_H

#include "postgres.h"
#include "executor/instrument.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"

#include "aggregate/collect.h"
#include "mechanism/random.h"
#include "spec/spec.h"
#include "utils/array.h"

/* jit.c */
extern void decide_jit(PlannedStmt *plan);

/* path.c */
extern void release_path_init(void);
extern List *paths_by_look_up(List *paths, bool look_up);
extern const ReleaseSpec *release_plan_spec(const Plan *plan);

/* order.c */
extern void forget_declared_order(RelOptInfo *rel);
extern void remember_partitions(PlannerInfo *root);

/* wide.c */
extern void wide_init(void);
extern void wide_rel_pathlist(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte,
							  const ReleaseSpec *spec);
extern bool is_wide_state(PlanState *state);
extern void wide_read_on(PlanState *state);
extern void wide_recheck(List *relids);

/* whole.c */
extern void read_wholly(List *plans);

/* statistics.c */
extern void statistics_init(void);
extern void withhold_statistics(Oid relid, RelOptInfo *rel);

/* steady.c */
extern void steady_plan(PlannedStmt *statement);

/* node.c */
extern Node *release_create_state(CustomScan *scan);
extern bool is_release_state(PlanState *state);
extern const ReleaseSpec *release_spec(PlanState *state);
extern const ReleaseParams *release_params(PlanState *state);
extern List *release_nested(PlanState *state);
extern void release_mark_paid(PlanState *state);
extern ArrayType *release_evaluate_params(CustomScanState *node);
extern uint64 releases_begun(void);
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

/* recheck.c */
extern void recheck_plan(PlanState *plan);
extern void refuse_changed(void) pg_attribute_noreturn();
extern uint32 relation_shape(Oid relid);
extern void recheck_relations(List *relids, List *shapes);
extern void recheck_declarations(List *relids, List *not_null, EState *estate);
extern void recheck_params(List *params, PlanState *parent);
extern void recheck_stack(void);

/* ahead.c */
extern void read_ctes_ahead(List *plans);

/* warm.c */

/*
 * What a release's query rests on beside its rows: lists of Oid (types, collations,
 * relations), of int (their shapes) and of Param (external parameters); for each relation
 * a list of the columns that it takes to be never NULL; and what its plan does: relations
 * whose wide values are not fetched, since there are none (wide.c).
 */
typedef enum ReleaseNeed
{
	NEED_TYPES,
	NEED_COLLATIONS,
	NEED_RELATIONS,
	NEED_SHAPES,
	NEED_PARAMS,
	NEED_NOT_NULL,
	NEED_PLAIN
} ReleaseNeed;

extern List *release_needs(Query *release, List *ctes);
extern void warm_up(List *needs, EState *estate);

/* pay.c */
extern void pay_init(void);

/* quiet.c */
typedef struct QuietState
{
	int			nestlevel;
	BufferUsage buffers;
	WalUsage	wal;
} QuietState;

extern void quiet_init(void);
extern void quiet_transaction(void);
extern bool quiet_wanted(void);
extern void quiet_again(void);
extern void quiet_messages(void);
extern void quiet_begin(QuietState *quiet);
extern void quiet_end(QuietState *quiet);
extern void quiet_relations(PlanState *state);
extern void loud_relations(EState *estate);

#endif							/* DP_RELEASE_H */
