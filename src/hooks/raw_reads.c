/*
 * raw_reads.c
 *		Raw rows of classified relations are logged before they are read.
 *
 * With dp_agg.audit_raw = on, a statement that reads rows of a classified relation outside
 * releases is entered in the ledger before its first row is read, once for each such relation,
 * whoever runs it.  If the ledger cannot be written, the statement fails.
 *
 * What a statement reads is what its started plan scans, or has Citus read on shards; which columns it touches is what
 * PostgreSQL asks privileges for.  Both meet in the range table: a scan of a partition or
 * child is one of the relation that the query names, which alone has privileges asked for.
 * INSERT finds rows without a scan if it has ON CONFLICT.  Without that, RETURNING shows
 * what was just inserted, which is no read.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "parser/parsetree.h"
#include "tcop/dest.h"
#include "utils/acl.h"
#include "utils/memutils.h"

#include "core/audit.h"
#include "core/compat.h"
#include "hooks/raw_entry.h"
#include "hooks/raw_reads.h"
#include "ledger/charge.h"
#include "ledger/protocol.h"
#include "nodes/release/scans.h"
#include "policy/cache.h"
#include "policy/citus.h"

/* Most entries of one request: with names as long as can be, they fit into its payload. */
#define ENTRIES_MAX 8

/* ----------
 * Is there anything to log?
 * ----------
 */

/*
 * Is it a query of PostgreSQL's own, by which it checks or follows a foreign key?  Only its
 * trigger functions start queries that skip triggers in this security context, while code
 * of others that such a query calls starts its own without.
 */
static bool
is_foreign_key_query(int eflags)
{
	return InNoForceRLSOperation() && (eflags & EXEC_FLAG_SKIP_TRIGGERS) != 0;
}

/* Is it the share that a parallel worker has of its leader's statement, which was logged there? */
static bool
is_share_of_leader(QueryDesc *queryDesc)
{
	return IsParallelWorker() && queryDesc->dest->mydest == DestTupleQueue;
}

/* Does a statement that is about to start have to be looked at for reads of raw rows? */
bool
plan_reads_classified(QueryDesc *queryDesc, int eflags)
{
	ListCell   *lc;

	if (!audit_raw_reads() || (eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0 ||
		is_foreign_key_query(eflags) || is_share_of_leader(queryDesc))
		return false;
	foreach(lc, queryDesc->plannedstmt->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind == RTE_RELATION && policy_classes(rte->relid) != NULL)
			return true;
	}
	return false;
}

/* ----------
 * What is read
 * ----------
 */

/* For each range table index that of its parent, if both are relations, else 0. */
static Index *
parents_of(PlannedStmt *plan)
{
	Index	   *parents = palloc0((list_length(plan->rtable) + 1) * sizeof(Index));
	ListCell   *lc;

	foreach(lc, plan->appendRelations)
	{
		const AppendRelInfo *info = lfirst(lc);

		if (rt_fetch(info->parent_relid, plan->rtable)->rtekind == RTE_RELATION)
			parents[info->child_relid] = info->parent_relid;
	}
	return parents;
}

/* The read of a relation among those that were found, or a new one. */
static RawRead *
find_read(List **reads, Oid relid)
{
	ListCell   *lc;
	RawRead    *read;

	foreach(lc, *reads)
	{
		read = lfirst(lc);
		if (read->relid == relid)
			return read;
	}
	read = palloc0(sizeof(RawRead));
	read->relid = relid;
	*reads = lappend(*reads, read);
	return read;
}

/*
 * Adds the relation of a range table index, if it is classified, and if the privilege to
 * read it is asked for where the query names it.
 */
static void
add_read(PlannedStmt *plan, const Index *parents, Index index, List **reads)
{
	const RangeTblEntry *scanned = rt_fetch(index, plan->rtable);
	const RangeTblEntry *named;
	RawRead    *read;

	if (scanned->rtekind != RTE_RELATION || policy_classes(scanned->relid) == NULL)
		return;
	while (parents[index] != 0)
		index = parents[index];
	named = rt_fetch(index, plan->rtable);
	if ((DP_CHECKED_PERMS(DP_PLAN_PERMISSIONS(plan), named) & ACL_SELECT) == 0)
		return;
	read = find_read(reads, named->relid);
	read->columns = bms_add_members(read->columns,
									DP_CHECKED_COLUMNS(DP_PLAN_PERMISSIONS(plan), named));
	read->scanned = list_append_unique_oid(read->scanned, scanned->relid);
}

#if PG_VERSION_NUM >= 180000

/*
 * Adds the columns that the query asks for where it names a relation once more, and nothing scans
 * that.  From 18 on the planner reads a table once that is joined with itself by a key, and no plan
 * says for which entries of the range table.  An entry that is not needed at all looks the
 * same: columns are on record then that were not read, which is better than the reverse.
 */
static void
add_merged(PlannedStmt *plan, const Bitmapset *scanned, const Bitmapset *below, List *reads)
{
	Bitmapset  *all = bms_union(scanned, below);
	ListCell   *lc;

	for (int index = 1; index <= list_length(plan->rtable); index++)
	{
		const RangeTblEntry *named = rt_fetch(index, plan->rtable);

		if (named->rtekind != RTE_RELATION || named->inh || bms_is_member(index, all) ||
			(DP_CHECKED_PERMS(DP_PLAN_PERMISSIONS(plan), named) & ACL_SELECT) == 0)
			continue;
		foreach(lc, reads)
		{
			RawRead    *read = lfirst(lc);

			if (read->relid == named->relid)
				read->columns = bms_add_members(read->columns,
												DP_CHECKED_COLUMNS(DP_PLAN_PERMISSIONS(plan), named));
		}
	}
}

#else							/* up to PostgreSQL 17 what is read is scanned */

static void
add_merged(PlannedStmt *plan, const Bitmapset *scanned, const Bitmapset *below, List *reads)
{
}

#endif

/*
 * Adds the relations that releases scan (below) and that are not protected: their rows are read as they are, before the first
 * protected one.
 */
static void
add_publics(PlannedStmt *plan, const Index *parents, const Bitmapset *below, List **reads)
{
	int			index = -1;

	while ((index = bms_next_member(below, index)) >= 0)
	{
		const RangeTblEntry *rte = rt_fetch(index, plan->rtable);

		if (rte->rtekind == RTE_RELATION && policy_lookup(rte->relid) == NULL)
			add_read(plan, parents, index, reads);
	}
}

/* Does a started plan have Citus read shards? */
static bool
reads_shards(PlanState *state, void *context)
{
	if (IsA(state->plan, CustomScan) &&
		strncmp(((CustomScan *) state->plan)->methods->CustomName, "Citus ", strlen("Citus ")) == 0)
		return true;
	return planstate_tree_walker(state, reads_shards, context);
}

/*
 * Adds the relations whose shards Citus reads for the statement.  Its node names none of them, so that they are all
 * that lie on shards and that the query asks for; but for protected ones where there are releases, which may be about
 * them.
 */
static void
add_sharded(QueryDesc *queryDesc, const Index *parents, List *releases, List **reads)
{
	PlannedStmt *plan = queryDesc->plannedstmt;

	if (!citus_present() || !reads_shards(queryDesc->planstate, NULL))
		return;
	for (int index = 1; index <= list_length(plan->rtable); index++)
	{
		const RangeTblEntry *rte = rt_fetch(index, plan->rtable);

		if (rte->rtekind == RTE_RELATION && citus_table(rte->relid).kind != CITUS_LOCAL &&
			(releases == NIL || policy_lookup(rte->relid) == NULL))
			add_read(plan, parents, index, reads);
	}
}

/* Adds the relations in which a plan, if it is an INSERT, looks for rows in conflict. */
static void
add_conflicts(PlannedStmt *plan, const Index *parents, const Plan *top, List **reads)
{
	const ModifyTable *insert = (const ModifyTable *) top;
	ListCell   *lc;

	if (top == NULL || !IsA(top, ModifyTable) || insert->onConflictAction == ONCONFLICT_NONE)
		return;
	foreach(lc, insert->resultRelations)
		add_read(plan, parents, lfirst_int(lc), reads);
}

/* ----------
 * The log
 * ----------
 */

/* Enters reads in the ledger; raises ERRCODE_DP_LEDGER if that cannot be done. */
static void
record_reads(List *reads, const char *query_text)
{
	List	   *entries = NIL;
	ListCell   *lc;

	foreach(lc, reads)
	{
		entries = lappend(entries, raw_entry(lfirst(lc)));
		if (list_length(entries) < ENTRIES_MAX)
			continue;
		ledger_record_reads(entries, query_text != NULL ? query_text : "");
		entries = NIL;
	}
	if (entries != NIL)
		ledger_record_reads(entries, query_text != NULL ? query_text : "");
}

/*
 * Enters in the ledger which classified relations a started plan is about to read, of those
 * that it scans outside releases (scanned: range table indexes) or finds rows of otherwise.
 * releases: its release nodes, which scan others; of these those that are not protected are read, too.  Raises ERRCODE_DP_LEDGER if that cannot be done.
 */
void
record_plan_reads(QueryDesc *queryDesc, Bitmapset *scanned, List *releases)
{
	/* SQL functions call from a context that lives as long as the query around them */
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "dp_agg raw reads",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	PlannedStmt *plan = queryDesc->plannedstmt;
	Index	   *parents = parents_of(plan);
	Bitmapset  *below = scanned_below(releases);
	List	   *reads = NIL;
	ListCell   *lc;
	int			index = -1;

	while ((index = bms_next_member(scanned, index)) >= 0)
		add_read(plan, parents, index, &reads);
	add_publics(plan, parents, below, &reads);
	add_sharded(queryDesc, parents, releases, &reads);
	add_conflicts(plan, parents, plan->planTree, &reads);
	foreach(lc, plan->subplans)
		add_conflicts(plan, parents, lfirst(lc), &reads);
	add_merged(plan, scanned, below, reads);
	record_reads(reads, queryDesc->sourceText);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

/*
 * Enters in the ledger that columns of one relation (as in RangeTblEntry.selectedCols) are about
 * to be read, if it is classified.  Raises ERRCODE_DP_LEDGER if that cannot be done.
 */
void
record_relation_read(Oid relid, Bitmapset *columns, const char *query_text)
{
	RawRead		read = {.relid = relid,.columns = columns};

	if (!audit_raw_reads() || policy_classes(relid) == NULL)
		return;
	read.scanned = list_make1_oid(relid);
	record_reads(list_make1(&read), query_text);
}
