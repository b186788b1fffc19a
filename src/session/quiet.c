/*
 * quiet.c
 *		Nothing the server counts or prints may tell about protected rows.
 *
 * While a release is planned, started or drained: no statistics counters
 * (pg_stat_*, pg_stat_get_xact_*), none of functions, reads and writes, no place
 * where a synchronized scan stopped, no trace of sorts and temporary files and no limit
 * on these, no messages below NOTICE.  The settings live in a nest level of their own,
 * which an abort unwinds; parallel workers inherit them.  Buffers and WAL are not charged to the statement, which
 * EXPLAIN and pg_stat_statements would show.
 *
 * An abort removes the temporary files of a release that was not brought to its end,
 * and would count and log them: from its first drain on, a transaction aborts
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

static void
set_quietly(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

/* What is as it should be already costs nothing: a release begins this often. */
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

/* From here on the transaction aborts quietly. */
void
quiet_transaction(void)
{
	drained = true;
}

/* Starts a quiet section; must be paired with quiet_end unless an error leaves it. */
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

/* Within a quiet section: no counters, should somebody have turned them on. */
void
quiet_again(void)
{
	if (pgstat_track_counts)
		set_quietly("track_counts", "off");
}

/* Within a quiet section: nothing but errors reaches the client. */
void
quiet_messages(void)
{
	set_quietly("client_min_messages", "error");
}

void
quiet_end(QuietState *quiet)
{
	AtEOXact_GUC(false, quiet->nestlevel);
	pgBufferUsage = quiet->buffers;
	pgWalUsage = quiet->wal;
}

/* Decides anew whether a relation counts. */
static void
judge_relation(Relation relation)
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
 * Lets the relations of a started plan that are not protected count again, outside a
 * quiet section: the client's own tables, into which it writes what was released.
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
 * Whether a relation counts is decided when it is opened, by anybody: one that
 * was opened quietly counts again once the client has looked at it.  Decides
 * anew, inside a quiet section, for all relations of a plan that is about to
 * run.
 */
void
quiet_relations(PlanState *state)
{
	EState	   *estate = state->state;

	ListCell   *lc;

	for (Index i = 0; i < estate->es_range_table_size; i++)
		judge_relation(estate->es_relations[i]);
	(void) quiet_walker(state, NULL);
	/* sub-plans and CTEs are not below the child, and run when it asks for them */
	foreach(lc, estate->es_subplanstates)
	{
		if (lfirst(lc) != NULL)
			(void) quiet_walker(lfirst(lc), NULL);
	}
}
