/*
 * copy.c
 *		COPY of a table to a client or file: rows that leave without an executor.
 *
 * DoCopy() opens the table, makes a range table of it alone, and has privileges checked; the
 * hook of that check sees the very relation that will be read.  But everything else has
 * privileges checked as well, so ProcessUtility says that a COPY has begun, and the first
 * check after that, other than those of queries that somebody's code may run in between, is
 * its own.  With row-level security DoCopy() goes on as COPY of a query, which the
 * executor's hook sees.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/rls.h"

#include "core/compat.h"
#include "hooks/copy.h"
#include "hooks/hooks.h"
#include "hooks/raw_reads.h"

static ExecutorCheckPerms_hook_type prev_check_permissions = NULL;

/* Text of the COPY whose check of privileges comes next; NULL if there is none. */
static const char *watched = NULL;

/* Does a statement copy rows of a table out, other than by a query? */
bool
is_copy_of_table(Node *statement)
{
	return IsA(statement, CopyStmt) && !((CopyStmt *) statement)->is_from &&
		((CopyStmt *) statement)->relation != NULL;
}

/*
 * From now on the next check of privileges is that of a COPY with this text, or, if it is
 * NULL, of something else.  Returns what was so before, which the caller has to put back,
 * also on error.
 */
const char *
copy_watch(const char *query_text)
{
	const char *before = watched;

	watched = query_text;
	return before;
}

/* Is the next check of privileges that of a COPY? */
bool
copy_is_watched(void)
{
	return watched != NULL;
}

/* Logs what DoCopy() is about to read. */
static void
judge_copy(List *relations, List *permissions, const char *query_text)
{
	const RangeTblEntry *rte = linitial(relations);

	if ((DP_CHECKED_PERMS(permissions, rte) & ACL_SELECT) == 0 ||
		check_enable_rls(rte->relid, InvalidOid, true) == RLS_ENABLED)
		return;
	record_relation_read(rte->relid, DP_CHECKED_COLUMNS(permissions, rte), query_text);
}

/* ExecutorCheckPerms_hook, which is called when PostgreSQL itself has found nothing amiss */
static bool
check_permissions(DP_CHECK_PERMS_ARGS(relations, permissions, complain))
{
	if (prev_check_permissions &&
		!prev_check_permissions(DP_CHECK_PERMS_PASS(relations, permissions, complain)))
		return false;
	if (copy_is_watched())
		judge_copy(relations, DP_CHECK_PERMS_LIST(permissions), copy_watch(NULL));
	return true;
}

/* Installs the hook; called once from _PG_init. */
void
permissions_hook_init(void)
{
	prev_check_permissions = ExecutorCheckPerms_hook;
	ExecutorCheckPerms_hook = check_permissions;
}
