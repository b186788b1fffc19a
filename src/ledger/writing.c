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

/* writing_open: a table and its indexes. */
ResultRelInfo *
writing_open(Writing *writing, Oid table)
{
	ResultRelInfo *info = makeNode(ResultRelInfo);

	InitResultRelInfo(info, table_open(table, RowExclusiveLock), 0, NULL, 0);
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
 * TM_Ok, or TM_WouldBlock if another transaction has locked it, or TM_Deleted; *row is
 * set in any case.  elog for anything else.
 */
TM_Result
writing_lock(Writing *writing, ResultRelInfo *table, ItemPointer tid, TupleTableSlot **row)
{
	Relation	rel = table->ri_RelationDesc;
	TM_FailureData failure;
	TM_Result	result;

	*row = table_slot_create(rel, &writing->estate->es_tupleTable);
	result = table_tuple_lock(rel, tid, writing->estate->es_snapshot, *row,
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
	return result;
}

/* writing_insert: a row that writing_row() has made. */
void
writing_insert(Writing *writing, ResultRelInfo *table, TupleTableSlot *row)
{
	ExecStoreVirtualTuple(row);
	ExecSimpleRelationInsert(table, writing->estate, row);
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

/* writing_delete: a row that was read. */
void
writing_delete(Writing *writing, ResultRelInfo *table, TupleTableSlot *row)
{
	ExecSimpleRelationDelete(table, writing->estate, &writing->epq, row);
	ResetPerTupleExprContext(writing->estate);
}
