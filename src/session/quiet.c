/*
 * quiet.c
 *		Nothing that the server counts or prints may tell about protected rows.
 *
 * While a release is planned, started or drained, a quiet section switches off
 *
 * - counters of relations, functions, reads and writes (pg_stat_*, pg_stat_get_xact_*);
 * - synchronized scans, which leave behind where they stopped;
 * - traces of sorts and temporary files, and the limit on temporary files;
 * - messages below NOTICE.
 *
 * The settings live in a nest level of their own, which an abort unwinds; parallel
 * workers inherit them.  Buffers and WAL are not charged to the statement: EXPLAIN and
 * pg_stat_statements would show them.
 *
 * An abort removes the temporary files of a release that was not brought to its end,
 * and would count and log them.  So from its first drain on, a transaction aborts
 * quietly.
 */
#include "postgres.h"

#include "access/xact.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/guc.h"
#include "utils/rel.h"

#include "policy/cache.h"
#include "session/quiet.h"

/* Changes a setting in the current nest level, whoever the user is. */
static void
set_quietly(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

/*
 * Changes a setting unless it is as it should be already: a change takes time, and
 * every release makes several of them.
 */
static void
set_unless(bool already, const char *name, const char *value)
{
	if (!already)
		set_quietly(name, value);
}

/* Has a release been drained in this transaction? */
static bool drained = false;

/*
 * Called before an abort lets go of files, and before it unwinds settings, those
 * made here among them (AbortTransaction() and AbortSubTransaction() in xact.c).
 */
static void
abort_quietly(void)
{
	if (!drained)
		return;
	set_quietly("track_counts", "off");
	set_quietly("log_temp_files", "-1");
}

static void
transaction_callback(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		abort_quietly();
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		drained = false;
}

static void
subtransaction_callback(SubXactEvent event, SubTransactionId id, SubTransactionId parent,
						void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		abort_quietly();
}

/* Registers the callbacks; called once from _PG_init. */
void
quiet_init(void)
{
	RegisterXactCallback(transaction_callback, NULL);
	RegisterSubXactCallback(subtransaction_callback, NULL);
}

/* Has a release been drained in this transaction? */
bool
quiet_wanted(void)
{
	return drained;
}

/* A release is about to be drained: from here on the transaction aborts quietly. */
void
quiet_transaction(void)
{
	drained = true;
}

/*
 * Starts a quiet section.  Must be paired with quiet_end(), unless an error leaves the
 * section: then the abort unwinds its settings.
 */
void
quiet_begin(QuietState *quiet)
{
	quiet->nestlevel = NewGUCNestLevel();
	quiet->buffers = pgBufferUsage;
	quiet->wal = pgWalUsage;
	set_quietly("track_counts", "off");
	set_unless(pgstat_track_functions == TRACK_FUNC_OFF, "track_functions", "none");
	set_unless(!track_io_timing, "track_io_timing", "off");
	set_unless(temp_file_limit < 0, "temp_file_limit", "-1");
	set_quietly("synchronize_seqscans", "off");
	set_unless(log_temp_files < 0, "log_temp_files", "-1");
#ifdef TRACE_SORT
	set_unless(!trace_sort, "trace_sort", "off");
#endif
	set_unless(client_min_messages >= NOTICE, "client_min_messages", "notice");
}

/*
 * Within a quiet section: switches counters off again, in case that code of the client's
 * has switched them on.
 */
void
quiet_again(void)
{
	if (pgstat_track_counts)
		set_quietly("track_counts", "off");
}

/* Within a quiet section: from here on nothing but errors reaches the client. */
void
quiet_messages(void)
{
	set_quietly("client_min_messages", "error");
}

/* Ends a quiet section: settings, and counts of buffers and WAL, are as before it. */
void
quiet_end(QuietState *quiet)
{
	AtEOXact_GUC(false, quiet->nestlevel);
	pgBufferUsage = quiet->buffers;
	pgWalUsage = quiet->wal;
}

/* Has PostgreSQL decide anew, by track_counts, whether it counts what a relation is used for. */
static void
judge_relation(Relation relation)
{
	if (relation != NULL)
		pgstat_init_relation(relation);
}

/* judge_relation() for the indexes of a plan, which are opened when it starts. */
static bool
quiet_walker(PlanState *state, void *context)
{
	switch (nodeTag(state))
	{
		case T_IndexScanState:
			judge_relation(((IndexScanState *) state)->iss_RelationDesc);
			break;
		case T_IndexOnlyScanState:
			judge_relation(((IndexOnlyScanState *) state)->ioss_RelationDesc);
			break;
		case T_BitmapIndexScanState:
			judge_relation(((BitmapIndexScanState *) state)->biss_RelationDesc);
			break;
		default:
			break;
	}
	return planstate_tree_walker(state, quiet_walker, context);
}

/*
 * Outside a quiet section: counts again what is done to those relations of a started
 * plan that are not protected.  They are the client's own tables, into which it writes
 * what was released.
 */
void
loud_relations(EState *estate)
{
	for (Index i = 0; i < estate->es_range_table_size; i++)
	{
		Relation	relation = estate->es_relations[i];

		if (relation != NULL && policy_lookup(RelationGetRelid(relation)) == NULL)
			judge_relation(relation);
	}
}

/*
 * Inside a quiet section: stops counting for all relations of a plan that is about to
 * run.  PostgreSQL decides whether to count whenever anybody opens a relation, so one
 * that was opened quietly counts again once the client has looked at it.
 */
void
quiet_relations(PlanState *state)
{
	EState	   *estate = state->state;

	ListCell   *lc;

	for (Index i = 0; i < estate->es_range_table_size; i++)
		judge_relation(estate->es_relations[i]);
	(void) quiet_walker(state, NULL);
	/* sub-plans and CTEs are not below this plan, and run when it asks for them */
	foreach(lc, estate->es_subplanstates)
	{
		if (lfirst(lc) != NULL)
			(void) quiet_walker(lfirst(lc), NULL);
	}
}
