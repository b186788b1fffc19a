/*
 * carried.c
 *		Statements that Citus carries to other machines, word by word.
 *
 * With citus.propagate_set_commands = local, Citus sends each SET LOCAL of a transaction to the machines: at once to those
 * with which it has a transaction, and to others when it begins one.  What it sends is the whole message
 * of the client's in which the statement stood, other statements after it included, and it sends that over
 * any connection, also those of the extension's owner.  So a transaction has statements that are carried, or releases by
 * the owner's right, and not both.
 */
#include "postgres.h"

#include "access/xact.h"
#include "nodes/parsenodes.h"
#include "utils/guc.h"

#include "core/refusals.h"
#include "session/carried.h"

#define CARRYING_SETTING "citus.propagate_set_commands"

/* In this transaction: was a statement carried, and did releases connect to machines? */
static bool carried = false;
static bool connected = false;

static void
end_transaction(XactEvent event, void *argument)
{
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		carried = connected = false;
}

/* Registers the callback; called once from _PG_init. */
void
carried_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
}

/* Would Citus carry such a statement now? */
static bool
is_carried(const Node *statement)
{
	const char *value = IsA(statement, VariableSetStmt) ? GetConfigOption(CARRYING_SETTING, true, false) : NULL;

	return value != NULL && strcmp(value, "none") != 0;
}

/* A statement is about to run.  Raises ERRCODE_DP_QUERY_REFUSED if it would reach connections of releases. */
void
carried_before(const Node *statement)
{
	const char *name;

	if (!connected || !is_carried(statement))
		return;
	name = ((const VariableSetStmt *) statement)->name;
	if (name == NULL || pg_strcasecmp(name, CARRYING_SETTING) != 0)
		refuse(REFUSE_SHARDS_CARRIED, NULL, -1);
}

/* It has run. */
void
carried_after(const Node *statement)
{
	if (is_carried(statement))
		carried = true;
}

/* A release is about to connect to machines as another role.  Raises ERRCODE_DP_QUERY_REFUSED if something would be carried with it. */
void
carried_check(void)
{
	if (carried)
		refuse(REFUSE_SHARDS_CARRIED, NULL, -1);
	connected = true;
}
