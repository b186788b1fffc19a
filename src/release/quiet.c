/*
 * quiet.c
 *		Nothing the server counts or prints may tell about protected rows.
 *
 * While a release is planned, started or drained: no statistics counters
 * (pg_stat_*, pg_stat_get_xact_*), no trace of sorts and temporary files, no
 * messages below NOTICE.  The settings live in a nest level of their own, which
 * an abort unwinds; parallel workers inherit them.
 */
#include "postgres.h"

#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "pgstat.h"
#include "release/release.h"
#include "utils/guc.h"
#include "utils/rel.h"

static void
set_quietly(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

/* Starts a quiet section; must be paired with quiet_end unless an error leaves it. */
void
quiet_begin(QuietState *quiet)
{
	quiet->nestlevel = NewGUCNestLevel();
	set_quietly("track_counts", "off");
	set_quietly("log_temp_files", "-1");
#ifdef TRACE_SORT
	set_quietly("trace_sort", "off");
#endif
	if (client_min_messages < NOTICE)
		set_quietly("client_min_messages", "notice");
}

void
quiet_end(QuietState *quiet)
{
	AtEOXact_GUC(false, quiet->nestlevel);
}

static void
quiet_relation(Relation relation)
{
	if (relation != NULL)
		pgstat_init_relation(relation);
}

static bool
quiet_walker(PlanState *state, void *context)
{
	switch (nodeTag(state))
	{
		case T_IndexScanState:
			quiet_relation(((IndexScanState *) state)->iss_RelationDesc);
			break;
		case T_IndexOnlyScanState:
			quiet_relation(((IndexOnlyScanState *) state)->ioss_RelationDesc);
			break;
		case T_BitmapIndexScanState:
			quiet_relation(((BitmapIndexScanState *) state)->biss_RelationDesc);
			break;
		default:
			break;
	}
	return planstate_tree_walker(state, quiet_walker, context);
}

/*
 * Whether a relation counts is decided when it is opened, by anybody: one that
 * was opened quietly counts again once the client has looked at it.  Decides
 * anew, inside a quiet section, for all relations of a plan that is about to
 * run.
 */
void
quiet_relations(PlanState *state)
{
	EState	   *estate = state->state;

	for (Index i = 0; i < estate->es_range_table_size; i++)
		quiet_relation(estate->es_relations[i]);
	(void) quiet_walker(state, NULL);
}
