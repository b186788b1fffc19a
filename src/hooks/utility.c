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
#include "hooks/reuse.h"
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
	return is_label_of_shard(statement) || conversion_replaces(statement, context, qc);
}

/* ProcessUtility_hook */
static void
noting_utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
			   ProcessUtilityContext context, ParamListInfo params,
			   QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc)
{
	bool		explain = IsA(pstmt->utilityStmt, ExplainStmt);
	const char *watched;
	uint64		begun = conversions_begun();

	if (is_left_out(pstmt->utilityStmt, context, qc))
		return;
	watched = copy_watch(is_copy_of_table(pstmt->utilityStmt) ? queryString : NULL);
	if (explain)
		explain_begin();
	PG_TRY();
	{
		bool		conversion = conversion_begin(pstmt->utilityStmt, context);
		Migration  *migration = conversion ? NULL : migration_begin(pstmt->utilityStmt, context);

		if (prev_process_utility)
			prev_process_utility(pstmt, queryString, readOnlyTree, context, params,
								 queryEnv, dest, qc);
		else
			standard_ProcessUtility(pstmt, queryString, readOnlyTree, context, params,
									queryEnv, dest, qc);
		migration_end(migration);
		if (!conversion)
			conversions_settle(begun);
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
