/*
 * writing.c
 *		Rows of the ledger's tables, written without SQL.
 *
 * A batch is one transaction with a few accounts and many releases, and an executor for
 * each statement would take longer than all else that the worker does.  As with the rows
 * that logical replication applies (execReplication.c), constraints are checked, indexes
 * are kept, and triggers for each row fire; triggers for statements, and rules, do not.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "core/compat.h"
#include "ledger/writing.h"

/*
 * writing_begin
 *		The caller has an active snapshot and runs as the owner of the tables.
 *
 * What is opened lasts until writing_end(), or is given back by an abort.
 */
Writing *
writing_begin(void)
{
	Writing    *writing = palloc0(sizeof(Writing));

	AfterTriggerBeginQuery();
	writing->estate = CreateExecutorState();
	writing->estate->es_snapshot = GetActiveSnapshot();
	writing->estate->es_output_cid = GetCurrentCommandId(true);
	DP_EVAL_PLAN_QUAL_INIT(&writing->epq, writing->estate);
	return writing;
}

/*
 * writing_renew
 *		Takes a new snapshot, which sees what was written and committed until now.
 */
void
writing_renew(Writing *writing)
{
	CommandCounterIncrement();
	PopActiveSnapshot();
	PushActiveSnapshot(GetLatestSnapshot());
	writing->estate->es_snapshot = GetActiveSnapshot();
	writing->estate->es_output_cid = GetCurrentCommandId(true);
}

/* writing_open: a table that is open for writing (RowExclusiveLock), and its indexes. */
ResultRelInfo *
writing_open(Writing *writing, Relation rel)
{
	ResultRelInfo *info = makeNode(ResultRelInfo);

	InitResultRelInfo(info, rel, 0, NULL, 0);
	ExecOpenIndices(info, false);
	writing->tables = lappend(writing->tables, info);
	return info;
}

/*
 * writing_end
 *		Closes the tables, after the triggers AFTER ... FOR EACH ROW have fired.
 *
 * The locks on the tables stay until the end of the transaction.
 */
void
writing_end(Writing *writing)
{
	ListCell   *lc;

	AfterTriggerEndQuery(writing->estate);
	ExecCloseResultRelations(writing->estate);	/* what triggers have opened */
	EvalPlanQualEnd(&writing->epq);
	foreach(lc, writing->tables)
	{
		ResultRelInfo *info = lfirst(lc);

		ExecCloseIndices(info);
		table_close(info->ri_RelationDesc, NoLock);
	}
	ExecResetTupleTable(writing->estate->es_tupleTable, false);
	FreeExecutorState(writing->estate);
}

/* writing_row: an empty row of a table, all of its columns NULL, to be filled and stored. */
TupleTableSlot *
writing_row(Writing *writing, ResultRelInfo *table)
{
	TupleDesc	desc = RelationGetDescr(table->ri_RelationDesc);
	TupleTableSlot *row = ExecInitExtraTupleSlot(writing->estate, desc, &TTSOpsVirtual);

	memset(row->tts_isnull, true, desc->natts * sizeof(bool));
	return row;
}

/* writing_set: a column of a row that is being made. */
void
writing_set(TupleTableSlot *row, AttrNumber attno, Datum value)
{
	row->tts_values[attno - 1] = value;
	row->tts_isnull[attno - 1] = false;
}

/*
 * writing_lock
 *		Locks the latest version of a row and reads all of it into *row, without waiting.
 *
 * False if another transaction has locked or deleted it.  *row is set in any case; its
 * place is not tid if the row was changed since the snapshot.  elog for anything else.
 */
bool
writing_lock(Writing *writing, ResultRelInfo *table, ItemPointer tid, TupleTableSlot **row)
{
	Relation	rel = table->ri_RelationDesc;
	ItemPointerData latest = *tid;	/* moves on to the latest version */
	TM_FailureData failure;
	TM_Result	result;

	*row = table_slot_create(rel, &writing->estate->es_tupleTable);
	result = table_tuple_lock(rel, &latest, writing->estate->es_snapshot, *row,
							  writing->estate->es_output_cid, LockTupleNoKeyExclusive,
							  LockWaitSkip,
							  TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
							  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
	if (result == TM_Ok)
	{
		ExecMaterializeSlot(*row);
		slot_getallattrs(*row);
	}
	else if (result != TM_WouldBlock && result != TM_Deleted)
		elog(ERROR, "a row of \"%s\" could not be locked: %u", RelationGetRelationName(rel), result);
	return result == TM_Ok;
}

/*
 * writing_insert
 *		A row that writing_row() has made, which then is as it was written: a trigger
 *		BEFORE ... FOR EACH ROW may have changed it.
 *
 * elog if such a trigger has kept it from being written.
 */
void
writing_insert(Writing *writing, ResultRelInfo *table, TupleTableSlot *row)
{
	ExecStoreVirtualTuple(row);
	ItemPointerSetInvalid(&row->tts_tid);
	ExecSimpleRelationInsert(table, writing->estate, row);
	if (!ItemPointerIsValid(&row->tts_tid))
		elog(ERROR, "a row of \"%s\" was not written", RelationGetRelationName(table->ri_RelationDesc));
	slot_getallattrs(row);
	ResetPerTupleExprContext(writing->estate);
}

/*
 * writing_update
 *		Puts "changed", made by writing_row(), in place of a row that was locked.
 *
 * False if a trigger BEFORE ... FOR EACH ROW has kept it from being written.
 */
bool
writing_update(Writing *writing, ResultRelInfo *table, TupleTableSlot *row,
			   TupleTableSlot *changed)
{
	bool		written;

	ExecStoreVirtualTuple(changed);
	ExecSimpleRelationUpdate(table, writing->estate, &writing->epq, row, changed);
	written = ItemPointerIsValid(&changed->tts_tid) &&
		!ItemPointerEquals(&changed->tts_tid, &row->tts_tid);
	ResetPerTupleExprContext(writing->estate);
	return written;
}

/*
 * writing_delete
 *		A row that was read; elog if a trigger BEFORE ... FOR EACH ROW has kept it.
 */
void
writing_delete(Writing *writing, ResultRelInfo *table, TupleTableSlot *row)
{
	ItemPointerData tid = row->tts_tid;

	ExecSimpleRelationDelete(table, writing->estate, &writing->epq, row);
	if (table->ri_TrigDesc && table->ri_TrigDesc->trig_delete_before_row &&
		table_tuple_fetch_row_version(table->ri_RelationDesc, &tid, SnapshotSelf, row))
		elog(ERROR, "a row of \"%s\" was not deleted", RelationGetRelationName(table->ri_RelationDesc));
	ResetPerTupleExprContext(writing->estate);
}
