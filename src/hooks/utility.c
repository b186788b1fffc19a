/*
 * utility.c
 *		ProcessUtility: notes when an EXPLAIN or a COPY runs, or a snapshot is imported; facades follow DDL and
 *		what Citus does.
 */
#include "postgres.h"

#include "tcop/utility.h"

#include "hooks/conversions.h"
#include "hooks/copy.h"
#include "hooks/hooks.h"
#include "hooks/migrations.h"
#include "hooks/rebuilt_views.h"
#include "hooks/reuse.h"
#include "hooks/worker_views.h"
#include "session/carried.h"
#include "session/explain.h"

static ProcessUtility_hook_type prev_process_utility = NULL;

/* Is it SET TRANSACTION SNAPSHOT? */
static bool
is_import_of_snapshot(const Node *statement)
{
	return IsA(statement, VariableSetStmt) && ((const VariableSetStmt *) statement)->kind == VAR_SET_MULTI &&
		strcmp(((const VariableSetStmt *) statement)->name, "TRANSACTION SNAPSHOT") == 0;
}

/* Is a statement of Citus's left out, since it is about what is ours? */
static bool
is_left_out(Node *statement, ProcessUtilityContext context, QueryCompletion *qc)
{
	return is_label_of_shard(statement) || is_copied_owner(statement) ||
		conversion_replaces(statement, context, qc);
}

/* A call of ProcessUtility */
typedef struct UtilityCall
{
	PlannedStmt *pstmt;
	const char *query_string;
	bool		read_only_tree;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *query_env;
	DestReceiver *dest;
	QueryCompletion *qc;
} UtilityCall;

/* ProcessUtility without us. */
static void
process(void *argument)
{
	const UtilityCall *call = argument;

	if (prev_process_utility)
		prev_process_utility(call->pstmt, call->query_string, call->read_only_tree, call->context, call->params,
							 call->query_env, call->dest, call->qc);
	else
		standard_ProcessUtility(call->pstmt, call->query_string, call->read_only_tree, call->context, call->params,
								call->query_env, call->dest, call->qc);
}

/* The same of a statement that facades follow, or that Citus replaces a protected table by. */
static void
process_following(UtilityCall *call)
{
	Node	   *statement = call->pstmt->utilityStmt;
	uint64		begun = conversions_begun();
	bool		conversion = conversion_begin(statement, call->context);
	Migration  *migration = conversion ? NULL : migration_begin(statement, call->context);

	if (is_copied_facade(statement))
	{
		call->read_only_tree = true;	/* it may run twice */
		replace_copied_facade(statement, process, call);
	}
	else
		process(call);
	migration_end(migration);
	if (!conversion)
		conversions_settle(begun);
}

/* ProcessUtility_hook */
static void
noting_utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
			   ProcessUtilityContext context, ParamListInfo params,
			   QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc)
{
	UtilityCall call = {pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc};
	bool		explain = IsA(pstmt->utilityStmt, ExplainStmt);
	const char *watched;

	if (is_left_out(pstmt->utilityStmt, context, qc))
		return;
	carried_before(pstmt->utilityStmt);
	call.pstmt = rebuilt_view_without_data(pstmt, context);
	watched = copy_watch(is_copy_of_table(pstmt->utilityStmt) ? queryString : NULL);
	if (explain)
		explain_begin();
	PG_TRY();
	{
		process_following(&call);
		carried_after(pstmt->utilityStmt);
		if (is_import_of_snapshot(pstmt->utilityStmt))
			reuse_note_import();
	}
	PG_FINALLY();
	{
		(void) copy_watch(watched);
		if (explain)
			explain_end();
	}
	PG_END_TRY();
}

/* Installs the hook; called once from _PG_init. */
void
utility_hook_init(void)
{
	prev_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = noting_utility;
}
