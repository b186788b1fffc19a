/*
 * node.c
 *		Reads a public relation ahead of protected rows, and hands it to all processes.
 *
 * A scan reads only as many rows as it is asked for, and reading leaves traces; below a release it
 * is protected rows that ask.  So DP Public reads its child, a scan of the relation, to its end before
 * the first of them (nodes/release/ahead.c), and keeps the rows (rows.c).  What comes later reads
 * these: as often as it is asked to, by any process of a parallel query, as a whole or divided among
 * them.
 *
 * - The child runs in the leader alone, and once.  Workers do not even start it.
 * - Its conditions are those that ask for nothing but the relation's row; the node itself asks the
 *   others (path.c).  So what is read, and kept, is the same whatever the protected rows are.
 * - Rows are kept in shared memory if there may be workers (shared), else in the process's own.
 * - Values out of line are fetched while the relation is read.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/parallel.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "utils/memutils.h"

#include "core/compat.h"
#include "nodes/custom.h"
#include "nodes/identity.h"
#include "nodes/public/node.h"
#include "nodes/public/rows.h"
#include "policy/allowed.h"

/* Lies in the segment of a parallel query. */
typedef struct SharedPublic
{
	dsm_handle	rows;
	pg_atomic_uint32 claims;	/* chunks of rows that some process has taken */
} SharedPublic;

typedef struct PublicState
{
	CustomScanState css;		/* must be first; its child is missing in workers */
	MemoryContext context;		/* of the rows */
	PublicRows *rows;			/* NULL until they are read, or found */
	TupleTableSlot *row;		/* the current one, as it is kept */
	bool		divided;		/* among the processes of a parallel query */
	SharedPublic *shared;		/* while there is one */
	int			nwide;
	AttrNumber *wide;			/* columns with values that may lie out of line, from 0 on */
} PublicState;

/* ----------
 * Reading ahead
 * ----------
 */

/* A value as it is kept: in line, not compressed; *isnull if it would be too wide for that. */
static Datum
flat_value(Datum value, bool *isnull)
{
	struct varlena *pointer = (struct varlena *) DatumGetPointer(value);

	if (!VARATT_IS_EXTERNAL(pointer) && !VARATT_IS_COMPRESSED(pointer))
		return value;
	*isnull = toast_raw_datum_size(value) > GUARDED_WIDEST;
	return *isnull ? (Datum) 0 : PointerGetDatum(detoast_attr(pointer));
}

/* Keeps a row of the child. */
static void
keep_row(PublicState *state, TupleTableSlot *row)
{
	bool		free_it;

	if (state->nwide == 0)
		public_rows_add(state->rows, ExecFetchSlotMinimalTuple(row, &free_it));
	else
	{
		TupleDesc	desc = row->tts_tupleDescriptor;
		Datum	   *values = palloc(desc->natts * sizeof(Datum));
		bool	   *isnull = palloc(desc->natts * sizeof(bool));

		slot_getallattrs(row);
		memcpy(values, row->tts_values, desc->natts * sizeof(Datum));
		memcpy(isnull, row->tts_isnull, desc->natts * sizeof(bool));
		for (int i = 0; i < state->nwide; i++)
		{
			int			column = state->wide[i];

			if (!isnull[column])
				values[column] = flat_value(values[column], &isnull[column]);
		}
		public_rows_add(state->rows, DP_FORM_MINIMAL_TUPLE(desc, values, isnull));
	}
}

/*
 * Reads the relation to its end, unless that is done already.  shared: workers may ask for the rows.
 * Memory as for a hash table.
 */
void
public_read_ahead(PlanState *planstate, bool shared)
{
	PublicState *state = (PublicState *) planstate;
	MemoryContext row_context = planstate->ps_ExprContext->ecxt_per_tuple_memory;
	PlanState  *child;
	MemoryContext old;

	if (state->rows != NULL)
		return;
	if (state->css.custom_ps == NIL)
		elog(ERROR, "a public relation was not read ahead");
	child = linitial(state->css.custom_ps);
	old = MemoryContextSwitchTo(state->context);
	state->rows = public_rows_create(shared, get_hash_memory_limit());
	MemoryContextSwitchTo(old);
	for (;;)
	{
		TupleTableSlot *row = ExecProcNode(child);

		if (TupIsNull(row))
			break;
		CHECK_FOR_INTERRUPTS();
		old = MemoryContextSwitchTo(row_context);
		keep_row(state, row);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_context);
	}
	public_rows_complete(state->rows);
}

/* ----------
 * The node
 * ----------
 */

/* Columns of the rows with values that may lie out of line. */
static void
find_wide(PublicState *state, TupleDesc desc)
{
	state->wide = palloc(desc->natts * sizeof(AttrNumber));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attlen == -1 && att->attstorage != TYPSTORAGE_PLAIN)
			state->wide[state->nwide++] = i;
	}
}

static void
begin_public(CustomScanState *node, EState *estate, int eflags)
{
	PublicState *state = (PublicState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	state->divided = linitial_int(scan->custom_private) != 0;
	state->context = AllocSetContextCreate(estate->es_query_cxt, "dp_agg public rows",
										   ALLOCSET_DEFAULT_SIZES);
	find_wide(state, slot->tts_tupleDescriptor);

	/* the row that is handed on is the one that is kept, deformed */
	state->row = ExecInitExtraTupleSlot(estate, slot->tts_tupleDescriptor, &TTSOpsMinimalTuple);
	Assert(TTS_IS_VIRTUAL(slot));
	slot->tts_values = state->row->tts_values;
	slot->tts_isnull = state->row->tts_isnull;
	if (!IsParallelWorker())
		node->custom_ps = list_make1(ExecInitNode(linitial(scan->custom_plans), estate, eflags));
}

static TupleTableSlot *
next_public(ScanState *node)
{
	PublicState *state = (PublicState *) node;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	MinimalTuple row;

	ExecClearTuple(slot);
	public_read_ahead(&node->ps, false);
	row = public_rows_next(state->rows, state->divided && state->shared != NULL ?
						   &state->shared->claims : NULL);
	if (row == NULL)
		return slot;
	ExecStoreMinimalTuple(row, state->row, false);
	slot_getallattrs(state->row);
	return ExecStoreVirtualTuple(slot);
}

static TupleTableSlot *
exec_public(CustomScanState *node)
{
	return custom_exec(node, next_public);
}

static void
rescan_public(CustomScanState *node)
{
	PublicState *state = (PublicState *) node;

	ExecScanReScan(&node->ss);
	if (state->rows != NULL)
		public_rows_rewind(state->rows);
}

static void
end_public(CustomScanState *node)
{
	PublicState *state = (PublicState *) node;
	ListCell   *lc;

	ExecClearTuple(state->row);
	if (state->rows != NULL)
		public_rows_release(state->rows);
	state->rows = NULL;
	MemoryContextDelete(state->context);
	foreach(lc, node->custom_ps)
		ExecEndNode(lfirst(lc));
}

/* ----------
 * Parallel queries
 * ----------
 */

static Size
estimate_public(CustomScanState *node, ParallelContext *pcxt)
{
	return sizeof(SharedPublic);
}

static void
initialize_public(CustomScanState *node, ParallelContext *pcxt, void *coordinate)
{
	PublicState *state = (PublicState *) node;
	SharedPublic *shared = coordinate;

	if (pcxt->seg == NULL)
		return;					/* there was no shared memory: no workers either */
	public_read_ahead(&node->ss.ps, true);
	shared->rows = public_rows_handle(state->rows);
	pg_atomic_init_u32(&shared->claims, 0);
	state->shared = shared;
}

static void
reinitialize_public(CustomScanState *node, ParallelContext *pcxt, void *coordinate)
{
	if (pcxt->seg != NULL)
		pg_atomic_write_u32(&((SharedPublic *) coordinate)->claims, 0);
}

static void
initialize_public_worker(CustomScanState *node, shm_toc *toc, void *coordinate)
{
	PublicState *state = (PublicState *) node;
	MemoryContext old = MemoryContextSwitchTo(state->context);

	/* a sub-plan that several nodes ask is met several times */
	if (state->rows == NULL && ((SharedPublic *) coordinate)->rows != DSM_HANDLE_INVALID)
	{
		state->shared = coordinate;
		state->rows = public_rows_attach(state->shared->rows);
	}
	MemoryContextSwitchTo(old);
}

/* The segment of the parallel query is about to go. */
static void
shutdown_public(CustomScanState *node)
{
	((PublicState *) node)->shared = NULL;
}

static const CustomExecMethods public_exec_methods = {
	.CustomName = node_public,
	.BeginCustomScan = begin_public,
	.ExecCustomScan = exec_public,
	.EndCustomScan = end_public,
	.ReScanCustomScan = rescan_public,
	.EstimateDSMCustomScan = estimate_public,
	.InitializeDSMCustomScan = initialize_public,
	.ReInitializeDSMCustomScan = reinitialize_public,
	.InitializeWorkerCustomScan = initialize_public_worker,
	.ShutdownCustomScan = shutdown_public,
};

/* CreateCustomScanState */
Node *
public_create_state(CustomScan *scan)
{
	return custom_create_state(sizeof(PublicState), &public_exec_methods);
}
