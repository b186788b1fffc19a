/*
 * answer.c
 *		The answer of a release as bytes, kept to be handed out again.
 *
 * What is kept is what was released: keys and outputs of its groups, and what last_release() and
 * notices say, which follows from these and from what is declared.  Of each key and output its digest is
 * kept (reuse_key.c), by which a release that has some of the outputs, in whatever order, finds its columns.
 *
 *		format, id, price, numbers of groups, the smallest group, nkeys, noutputs,
 *		a digest for each key, a digest and facts for each output,
 *		the number of rows, and each row: for each column its length (-1: NULL) and bytes
 *
 * Bytes are of this server and version of PostgreSQL, which is part of the release's digest.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tupdesc.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/settings.h"
#include "nodes/drain.h"
#include "nodes/release/answer.h"
#include "nodes/release/last.h"
#include "nodes/release/reuse_key.h"
#include "nodes/release/state.h"
#include "nodes/release/store.h"
#include "policy/cache.h"
#include "policy/measured.h"
#include "spec/layout.h"
#include "spec/spec.h"

/* Changes whenever the bytes do. */
#define ANSWER_FORMAT 2

/* What is said of the answer as a whole. */
typedef struct AnswerHead
{
	int32		format;
	uint8		id[ANSWER_ID_BYTES];
	int64		delta_atto;		/* as it was charged: it depends on who has paid */
	int64		groups;			/* released */
	int64		measured;		/* whose standard errors are added up */
	int64		smallest;		/* individuals from which a group appears */
	int64		rows;
	int32		nkeys;
	int32		noutputs;
	bool		shows;			/* some group has left that shows something */
	bool		divides;		/* limits leave out so little that some groups of it are what
								 * a release of these groups would be */
} AnswerHead;

/* What is said of an output. */
typedef struct AnswerOutput
{
	ReuseDigest digest;
	int64		smallest;		/* individuals from which it has a value */
	double		squares;		/* of standard errors, added up; NAN: it has none */
	bool		gaussian;
	bool		shown;			/* it has a value in some group */
} AnswerOutput;

/* ----------
 * Writing
 * ----------
 */

/* Appends a column of a row. */
static void
append_column(StringInfo answer, TupleTableSlot *row, int column)
{
	Form_pg_attribute attribute = TupleDescAttr(row->tts_tupleDescriptor, column);

	append_flat(answer, row->tts_values[column], row->tts_isnull[column], attribute->attlen, attribute->attbyval);
}

/* Appends the released rows; returns how many there are. */
static int64
append_rows(StringInfo answer, ReleaseState *state)
{
	const ReleaseSpec *spec = state->spec;
	TupleTableSlot *row = MakeSingleTupleTableSlot(state->released.slot->tts_tupleDescriptor,
												   &TTSOpsMinimalTuple);
	int64		rows = 0;

	released_rewind(&state->released);
	for (;;)
	{
		(void) released_next(&state->released, row);
		if (TupIsNull(row))
			break;
		slot_getallattrs(row);
		for (int i = 0; i < spec->nkeys; i++)
			append_column(answer, row, release_key_column(spec, i));
		for (int i = 0; i < spec->noutputs; i++)
			append_column(answer, row, release_output_column(spec, i));
		rows++;
	}
	ExecDropSingleTupleTableSlot(row);
	released_rewind(&state->released);
	return rows;
}

/*
 * Do limits leave out little or nothing of groups because of other groups?  Where they leave out more, a release of
 * some of the groups would keep rows there that this one has left out.  What they leave out is known by
 * proof, or as it was measured and declared, up to what no notice is worth.
 */
static bool
divides(const ReleaseState *state)
{
	const ReleaseSpec *spec = state->spec;
	const ReleaseParams *params = &state->params;
	const ProtectedRelation *rel = policy_lookup(spec->relid);
	int64		rows = spec_most_rows(spec, params);
	double		share;

	if (!spec_may_bound(spec) || spec->whole ||
		(!spec->by_total && params->kept >= spec->possible_groups))
		return true;
	/* who has no more rows than groups that are kept has no more groups */
	if (!spec->by_total || spec->groups_asked)
		rows = Min(rows, params->kept);
	return rel != NULL && measured_share(rel, rows, &share) && share <= dp_setting_notice_cut;
}

/* answer_write: appends the answer of a release that has run to an empty buffer. */
void
answer_write(ReleaseState *state, StringInfo answer)
{
	const ReleaseSpec *spec = state->spec;
	const Reuse *reuse = state->reuse;
	AnswerHead	head;

	memset(&head, 0, sizeof(head));
	head.format = ANSWER_FORMAT;
	memcpy(head.id, reuse->id, ANSWER_ID_BYTES);
	head.delta_atto = state->params.delta_atto;
	head.groups = state->groups;
	head.measured = last_measured(state->last);
	head.smallest = state->smallest_group;
	head.nkeys = spec->nkeys;
	head.noutputs = spec->noutputs;
	head.shows = state->shows;
	head.divides = divides(state);
	appendBinaryStringInfo(answer, (const char *) &head, sizeof(head));
	appendBinaryStringInfo(answer, (const char *) reuse->key.keys, spec->nkeys * sizeof(ReuseDigest));
	for (int i = 0; i < spec->noutputs; i++)
	{
		AnswerOutput output;

		memset(&output, 0, sizeof(output));
		output.digest = reuse->key.outputs[i];
		output.smallest = state->smallest[i];
		output.shown = state->shown[i];
		last_read_error(state->last, i, &output.squares, &output.gaussian);
		appendBinaryStringInfo(answer, (const char *) &output, sizeof(output));
	}
	head.rows = append_rows(answer, state);
	memcpy(answer->data, &head, sizeof(head));
}

/* ----------
 * Reading
 * ----------
 */

/* The bytes that are still to be read. */
typedef struct Reader
{
	const char *next;
	const char *end;
} Reader;

/* Reads "size" bytes; false if there are fewer. */
static bool
read_bytes(Reader *reader, void *target, Size size)
{
	if ((Size) (reader->end - reader->next) < size)
		return false;
	memcpy(target, reader->next, size);
	reader->next += size;
	return true;
}

/* An answer, taken apart as far as its rows. */
typedef struct Answer
{
	AnswerHead	head;
	ReuseDigest *keys;
	AnswerOutput *outputs;
	Reader		rows;
} Answer;

/* Takes an answer apart; false if it is of another format, or damaged. */
static bool
read_answer(const bytea *bytes, Answer *answer)
{
	Reader		reader = {VARDATA(bytes), (const char *) bytes + VARSIZE(bytes)};
	AnswerHead *head = &answer->head;

	if (!read_bytes(&reader, head, sizeof(AnswerHead)) || head->format != ANSWER_FORMAT ||
		head->nkeys < 0 || head->nkeys > MaxTupleAttributeNumber ||
		head->noutputs < 0 || head->noutputs > DP_MAX_OUTPUTS)
		return false;
	answer->keys = palloc(Max(head->nkeys, 1) * sizeof(ReuseDigest));
	answer->outputs = palloc(Max(head->noutputs, 1) * sizeof(AnswerOutput));
	if (!read_bytes(&reader, answer->keys, head->nkeys * sizeof(ReuseDigest)) ||
		!read_bytes(&reader, answer->outputs, head->noutputs * sizeof(AnswerOutput)))
		return false;
	answer->rows = reader;
	return true;
}

/* The place of a digest among keys (outputs NULL) or outputs; -1 if it is not there. */
static int
find_digest(const ReuseDigest *digest, const ReuseDigest *keys, const AnswerOutput *outputs, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (compare_digests(digest, outputs != NULL ? &outputs[i].digest : &keys[i]) == 0)
			return i;
	}
	return -1;
}

/* Where the columns of a release are in an answer: keys, then outputs; NULL if one is missing. */
static int *
find_columns(const Answer *answer, const ReleaseState *state)
{
	const ReleaseSpec *spec = state->spec;
	const ReuseKey *key = &state->reuse->key;
	int		   *columns = palloc((spec->nkeys + spec->noutputs + 1) * sizeof(int));

	if (answer->head.nkeys != spec->nkeys)
		return NULL;
	for (int i = 0; i < spec->nkeys + spec->noutputs; i++)
	{
		columns[i] = i < spec->nkeys ?
			find_digest(&key->keys[i], answer->keys, NULL, answer->head.nkeys) :
			find_digest(&key->outputs[i - spec->nkeys], NULL, answer->outputs, answer->head.noutputs);
		if (columns[i] < 0)
			return NULL;
		if (i >= spec->nkeys)
			columns[i] += spec->nkeys;
	}
	return columns;
}

/*
 * answer_identify: has the answer all that a release asks for?  Then *id is its own.  some: of its groups the
 * release asks for some only.
 */
bool
answer_identify(const bytea *answer, const ReleaseState *state, bool some, uint8 *id)
{
	Answer		taken;

	if (!read_answer(answer, &taken) || find_columns(&taken, state) == NULL ||
		(some && !taken.head.divides))
		return false;
	memcpy(id, taken.head.id, ANSWER_ID_BYTES);
	return true;
}

/* An answer that could be identified must be whole. */
static void
check_whole(bool whole)
{
	if (!whole)
		ereport(ERROR,
				(errcode(ERRCODE_DP_LEDGER),
				 errmsg("an answer that was kept is damaged"),
				 errhint("Call dp_agg.refresh() for the population.")));
}

/* Reads the columns of one row; they point to copies, aligned, in the current context. */
static void
read_row(Reader *reader, Datum **values, int32 *sizes, int n)
{
	for (int i = 0; i < n; i++)
	{
		check_whole(read_bytes(reader, &sizes[i], sizeof(int32)) && sizes[i] >= -1);
		if (sizes[i] < 0)
			continue;
		values[i] = palloc(Max(sizes[i], (int32) sizeof(Datum)));
		check_whole(read_bytes(reader, values[i], sizes[i]));
	}
}

/* Puts a column that was read into its place in a row. */
static void
put_column(TupleTableSlot *row, int column, Datum *value, int32 size)
{
	row->tts_isnull[column] = size < 0;
	if (size >= 0)
		row->tts_values[column] = TupleDescAttr(row->tts_tupleDescriptor, column)->attbyval ?
			*value : PointerGetDatum(value);
}

/* Does a row meet conditions on its keys? */
static bool
meets(ReleaseState *state, ExprState *quals, TupleTableSlot *row)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;
	TupleTableSlot *before = econtext->ecxt_scantuple;
	bool		result;

	econtext->ecxt_scantuple = row;
	result = ExecQual(quals, econtext);
	econtext->ecxt_scantuple = before;
	ResetExprContext(econtext);
	return result;
}

/* Keeps the rows of the answer as those that the release has computed. */
static void
hand_out_rows(ReleaseState *state, Answer *answer, const int *columns)
{
	const ReleaseSpec *spec = state->spec;
	int			n = answer->head.nkeys + answer->head.noutputs;
	Datum	  **values = palloc(Max(n, 1) * sizeof(Datum *));
	int32	   *sizes = palloc(Max(n, 1) * sizeof(int32));
	ExprState  *quals = NULL;
	TupleTableSlot *row = MakeSingleTupleTableSlot(ExecGetResultType(state->child), &TTSOpsVirtual);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "dp_agg row of an answer",
												  ALLOCSET_DEFAULT_SIZES);

	released_begin(&state->released, spec, row->tts_tupleDescriptor);
	if (state->reuse->quals != NIL)
	{
		quals = ExecInitQual((List *) expression_planner((Expr *) copyObject(state->reuse->quals)), &state->css.ss.ps);
		state->groups = 0;
	}
	for (int64 i = 0; i < answer->head.rows; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		CHECK_FOR_INTERRUPTS();
		read_row(&answer->rows, values, sizes, n);
		MemoryContextSwitchTo(old);
		ExecClearTuple(row);
		memset(row->tts_isnull, true, row->tts_tupleDescriptor->natts * sizeof(bool));
		for (int k = 0; k < spec->nkeys; k++)
			put_column(row, release_key_column(spec, k), values[columns[k]], sizes[columns[k]]);
		for (int o = 0; o < spec->noutputs; o++)
			put_column(row, release_output_column(spec, o), values[columns[spec->nkeys + o]],
					   sizes[columns[spec->nkeys + o]]);
		ExecStoreVirtualTuple(row);
		if (quals == NULL)
			released_put(&state->released, row);
		else if (meets(state, quals, row))
		{
			released_put(&state->released, row);
			state->groups++;
		}
		MemoryContextReset(context);
	}
	ExecDropSingleTupleTableSlot(row);
	MemoryContextDelete(context);
	released_complete(&state->released);
}

/*
 * answer_hand_out
 *		Makes the answer that was kept the answer of a release, as if it had run.
 *
 * It was identified.  Allocates in the current context.  Raises ERRCODE_DP_LEDGER if it is damaged.
 */
void
answer_hand_out(ReleaseState *state)
{
	const ReleaseSpec *spec = state->spec;
	Answer		answer;
	int		   *columns;

	check_whole(read_answer(state->reuse->answer, &answer));
	columns = find_columns(&answer, state);
	check_whole(columns != NULL);
	state->params.delta_atto = answer.head.delta_atto;
	state->groups = answer.head.groups;
	state->shows = answer.head.shows;
	state->smallest_group = answer.head.smallest;
	for (int i = 0; i < spec->noutputs; i++)
	{
		const AnswerOutput *output = &answer.outputs[columns[spec->nkeys + i] - spec->nkeys];

		state->smallest[i] = output->smallest;
		state->shown[i] = output->shown;
	}
	hand_out_rows(state, &answer, columns);
	if (!drain_is_seen())
		return;					/* whether this one is asked for may depend on rows */
	state->last = last_begin(state);
	for (int i = 0; i < spec->noutputs; i++)
	{
		const AnswerOutput *output = &answer.outputs[columns[spec->nkeys + i] - spec->nkeys];

		last_write_error(state->last, i, output->squares, output->gaussian);
	}
	last_reuse(state->last, state->groups, answer.head.measured);
	last_end(state->last);
	state->last = NULL;
}
