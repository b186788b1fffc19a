/*
 * piece.c
 *		Where a piece of a release is computed: runs its plan as a release runs its own.
 *
 * The plan below is run once, to its end, with the secret and under the settings that the coordinator has
 * sent, and quietly (session/quiet.h): nothing of it shows in counters.  What leaves are
 * states of groups: exact, but for who runs a piece, a superuser, that is nothing new.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"

#include "nodes/custom.h"
#include "nodes/drain.h"
#include "nodes/identity.h"
#include "nodes/shards/kept.h"
#include "nodes/shards/node.h"
#include "session/neutral.h"
#include "session/quiet.h"
#include "spec/piece.h"

typedef struct PieceState
{
	CustomScanState css;		/* must be first */
	PlanState  *child;
	PieceHead	head;
	KeptRows	states;			/* once it has run */
} PieceState;

static void
begin_piece(CustomScanState *node, EState *estate, int eflags)
{
	PieceState *state = (PieceState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;

	piece_head_read(&state->head, node_description(scan));
	state->child = ExecInitNode(linitial(scan->custom_plans), estate, eflags);
	node->custom_ps = list_make1(state->child);
}

/* Fetches all states. */
static void
drain_child(PieceState *state)
{
	for (;;)
	{
		TupleTableSlot *row = ExecProcNode(state->child);

		if (TupIsNull(row))
			break;
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(state->states.store, row);
	}
	(void) ExecShutdownNode(state->child);
}

/* Runs the piece. */
static void
run_piece(PieceState *state)
{
	EState	   *estate = state->css.ss.ps.state;
	MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);
	QuietState	quiet;
	Drain		outer;
	int			nestlevel;

	kept_begin(&state->states, ExecGetResultType(state->child));
	quiet_transaction();
	quiet_begin(&quiet);
	quiet_relations(state->child);
	nestlevel = session_settings_take(state->head.settings);
	drain_begin(&outer, state->head.secret);
	PG_TRY();
	{
		drain_reads_rows();
		drain_child(state);
	}
	PG_FINALLY();
	{
		drain_end(&outer);
	}
	PG_END_TRY();
	neutral_end(nestlevel);
	quiet_end(&quiet);
	loud_relations(estate);
	MemoryContextSwitchTo(old);
}

static TupleTableSlot *
next_state(ScanState *node)
{
	PieceState *state = (PieceState *) node;

	if (state->states.store == NULL)
		run_piece(state);
	return kept_next(&state->states, node->ss_ScanTupleSlot);
}

static TupleTableSlot *
exec_piece(CustomScanState *node)
{
	return custom_exec(node, next_state);
}

static void
rescan_piece(CustomScanState *node)
{
	ExecScanReScan(&node->ss);
	kept_rewind(&((PieceState *) node)->states);
}

static void
end_piece(CustomScanState *node)
{
	PieceState *state = (PieceState *) node;

	ExecEndNode(state->child);
	kept_end(&state->states);
}

static const CustomExecMethods piece_exec_methods = {
	.CustomName = node_piece,
	.BeginCustomScan = begin_piece,
	.ExecCustomScan = exec_piece,
	.EndCustomScan = end_piece,
	.ReScanCustomScan = rescan_piece,
};

/* CreateCustomScanState */
Node *
piece_create_state(CustomScan *scan)
{
	return custom_create_state(sizeof(PieceState), &piece_exec_methods);
}
