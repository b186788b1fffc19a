/*
 * reuse.c
 *		Answers that are handed out again, for releases that are about to be paid for.
 *
 * Which answer a release has depends on what it asks, on the clock and on declarations
 * (reuse_key.c, ledger/answers.c), not on rows.  The releases of grouping sets are charged as one, so all
 * of them are handed out again, or none.  A release that reads another one's answer is the same only
 * if that is the same answer.
 *
 * Whoever draws does so alone (turn.c), and its answer is kept as soon as it is there.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/pquery.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"

#include "core/settings.h"
#include "hooks/reuse.h"
#include "ledger/answers.h"
#include "ledger/charge.h"
#include "nodes/drain.h"
#include "nodes/release/answer.h"
#include "nodes/release/reuse_key.h"
#include "nodes/release/state.h"
#include "nodes/release/turn.h"
#include "spec/spec.h"

/* Larger answers are not kept, in bytes. */
#define MOST_BYTES (16 * 1024 * 1024)

/* How often the answers of others are looked for, after waiting for them. */
#define MOST_LOOKS 3

/* When the last transaction began that reads by another one's snapshot. */
static TimestampTz importing = 0;

/* ----------
 * Finding answers
 * ----------
 */

/* A release and its place for the id of an answer. */
typedef struct Match
{
	const ReleaseState *state;
	bool		some;			/* of the groups of the answer it asks for some only */
	uint8		id[ANSWER_ID_BYTES];
} Match;

/* Has an answer all that the release asks for? */
static bool
is_match(const bytea *answer, void *arg)
{
	Match	   *match = arg;

	return answer_identify(answer, match->state, match->some, match->id);
}

/* The release has no answer: the one that it will draw gets an id of its own. */
static void
forget_answer(ReleaseState *state)
{
	state->reuse->answer = NULL;
	state->reuse->quals = NIL;
	if (!pg_strong_random(state->reuse->id, ANSWER_ID_BYTES))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
}

static void keep_answer(ReleaseState *state, StringInfo answer);

/*
 * When the rows that the statement sees were so, at the latest: a snapshot that is kept for a
 * transaction grows old with it, and so does that of a query whose functions read by it.  Only that of a query which the
 * client itself begins now, in a portal without a name, is of now.
 */
static TimestampTz
snapshot_time(void)
{
	if (!IsolationUsesXactSnapshot() && ActivePortal != NULL && ActivePortal->name[0] == '\0' &&
		ActivePortal->status == PORTAL_DEFINED)
		return GetCurrentStatementStartTimestamp();
	return GetCurrentTransactionStartTimestamp();
}

/* reuse_note_import: the transaction reads by another one's snapshot, which may be of any age, from now on. */
void
reuse_note_import(void)
{
	importing = GetCurrentTransactionStartTimestamp();
}

/*
 * Does the statement see what nobody else may ever see: rows that its own transaction has written, and may roll
 * back, in a relation that it reads?  A lock that is held since tells so, also where another role has written them.
 */
static bool
sees_own_rows(const EState *estate)
{
	ListCell   *lc;

	if (!TransactionIdIsValid(GetTopTransactionIdIfAny()))
		return false;
	foreach(lc, estate->es_range_table)
	{
		const RangeTblEntry *rte = lfirst(lc);
		Relation	rel;
		bool		written;

		if (rte->rtekind != RTE_RELATION ||
			DP_IS_RESULT_RELATION(estate->es_plannedstmt, foreach_current_index(lc) + 1))
			continue;
		rel = RelationIdGetRelation(rte->relid);
		if (!RelationIsValid(rel))
			return true;
		written = CheckRelationLockedByMe(rel, RowExclusiveLock, true);
		RelationClose(rel);
		if (written)
			return true;
	}
	return false;
}

/* May the answers of a statement be those of others?  Not if it sees other rows than these. */
static bool
may_keep(const EState *estate)
{
	return importing != GetCurrentTransactionStartTimestamp() && !sees_own_rows(estate);
}

/* Looks an answer up, or one that has it as a part: without its conditions on keys alone. */
static void
look_up(ReleaseState *state, Match *match)
{
	Reuse	   *reuse = state->reuse;
	const NameData *population = &state->spec->population;

	reuse->answer = ledger_find_answer(population, reuse->key.release.bytes, &reuse->as_of, is_match, match);
	if (reuse->answer == NULL && reuse->key.has_whole)
	{
		match->some = true;
		reuse->answer = ledger_find_answer(population, reuse->key.whole.bytes, &reuse->as_of, is_match, match);
		if (reuse->answer != NULL)
		{
			reuse->quals = reuse_key_quals(state);
			reuse_part_id(&reuse->key, match->id);
		}
	}
	if (reuse->answer != NULL)
		memcpy(reuse->id, match->id, ANSWER_ID_BYTES);
	else
		reuse->as_of = snapshot_time();
}

/*
 * Since when answers count, as the rows that the release reads tell it: whoever does not see yet what a refresh()
 * came with, must not answer those who do.
 */
static TimestampTz
refreshed_at(const ReleaseState *state)
{
	ReuseWindow window;

	if (!ledger_reuse_window(&state->spec->population, state->css.ss.ps.state->es_snapshot, &window))
		return 0;
	return window.refreshed_at;
}

/* Looks for the answer of a release, after those of releases that it reads. */
static void
find_answer(ReleaseState *state, List *releases, List **found)
{
	Match		match = {.state = state};
	Reuse	   *reuse;
	ReuseKey	key;
	ListCell   *lc;

	if (list_member_ptr(*found, state))
		return;
	*found = lappend(*found, state);
	foreach(lc, reuse_reads(state, releases))
	{
		if (lfirst(lc) != NULL)
			find_answer(lfirst(lc), releases, found);
	}
	key.refreshed_at = refreshed_at(state);
	if (!reuse_key(state, releases, &key))
		return;
	reuse = palloc0(sizeof(Reuse));
	reuse->key = key;
	reuse->keep = keep_answer;
	reuse->as_of = snapshot_time();
	state->reuse = reuse;
	forget_answer(state);
	if (dp_setting_reuse)
		look_up(state, &match);
}

/* Is there an answer to be handed out? */
static bool
has_answer(const ReleaseState *state)
{
	return state->reuse != NULL && state->reuse->answer != NULL;
}

/* Are the two charged as one? */
static bool
are_charged_together(const ReleaseState *a, const ReleaseState *b)
{
	return a == b || (a->spec->grouping.number > 0 && b->spec->grouping.number > 0 &&
					  memcmp(a->spec->grouping.id, b->spec->grouping.id, DP_SPEC_ID_BYTES) == 0);
}

/* Must the answer that was found for a release be drawn all the same, as that of another one is? */
static bool
is_bound_to_draw(ReleaseState *state, List *releases)
{
	ListCell   *lc;

	foreach(lc, releases)
	{
		ReleaseState *other = release_state(lfirst(lc));

		if (!has_answer(other) &&
			(are_charged_together(state, other) || list_member_ptr(reuse_reads(state, releases), other)))
			return true;
	}
	return false;
}

/* Forgets answers of releases that are bound to be drawn; their keys are those with the new ids. */
static void
settle_together(List *releases)
{
	bool		changed = true;
	ListCell   *lc;

	while (changed)
	{
		changed = false;
		foreach(lc, releases)
		{
			ReleaseState *state = release_state(lfirst(lc));

			if (!has_answer(state) || !is_bound_to_draw(state, releases))
				continue;
			forget_answer(state);
			state->reuse->as_of = snapshot_time();
			changed = true;
		}
	}
}

/* ----------
 * Keeping answers
 * ----------
 */

/* Gives the turn of a release back, if it has it. */
static void
end_turn(ReleaseState *state)
{
	Reuse	   *reuse = state->reuse;

	if (reuse->turn && reuse->turn_owner == CurrentResourceOwner)
		turn_end(reuse->key.release.bytes, reuse->running);
	reuse->turn = reuse->running = false;
}

/* Has the worker of the ledger keep an answer. */
static void
send_answer(const ReleaseState *state, const ReuseKey *key, StringInfo answer)
{
	int			n = state->spec->noutputs;
	ReuseDigest *sorted = palloc(Max(n, 1) * sizeof(ReuseDigest));
	LedgerKeep	keep;

	memcpy(sorted, key->outputs, n * sizeof(ReuseDigest));
	qsort(sorted, n, sizeof(ReuseDigest), compare_digests);
	memset(&keep, 0, sizeof(keep));
	keep.population = state->spec->population;
	memcpy(keep.release, key->release.bytes, SHA256_SIZE);
	keep.made_at = state->reuse->as_of;
	keep.noutputs = n;
	keep.outputs = sorted->bytes;
	keep.size = answer->len;
	(void) ledger_keep_answer(&keep, answer->data);
	pfree(sorted);
}

/*
 * A release has run: its answer is kept.  Its key is computed once more, as the values of the session are now: were they
 * changed since the statement began, nobody could tell which of them the answer is about.
 */
static void
keep_answer(ReleaseState *state, StringInfo answer)
{
	Reuse	   *reuse = state->reuse;
	ReuseKey	now = {.refreshed_at = reuse->key.refreshed_at};

	if (reuse->keeps && answer->len <= MOST_BYTES && reuse_key(state, reuse->releases, &now) &&
		compare_digests(&now.release, &reuse->key.release) == 0 &&
		memcmp(now.outputs, reuse->key.outputs, state->spec->noutputs * sizeof(ReuseDigest)) == 0)
		send_answer(state, &now, answer);
	end_turn(state);
}

/* ----------
 * All releases of a statement
 * ----------
 */

/* Order of two releases by their keys, in which turns are taken by everybody. */
static int
compare_releases(const ListCell *a, const ListCell *b)
{
	return compare_digests(&release_state(lfirst(a))->reuse->key.release,
						   &release_state(lfirst(b))->reuse->key.release);
}

/* Takes the turns of all releases that are to be drawn; were others waited for? */
static bool
take_turns(List *releases)
{
	List	   *drawn = NIL;
	bool		waited = false;
	ListCell   *lc;

	foreach(lc, releases)
	{
		ReleaseState *state = release_state(lfirst(lc));

		if (state->reuse != NULL && state->reuse->answer == NULL && state->reuse->keeps)
			drawn = lappend(drawn, state);
	}
	list_sort(drawn, compare_releases);
	foreach(lc, drawn)
	{
		Reuse	   *reuse = release_state(lfirst(lc))->reuse;

		reuse->turn = turn_take(reuse->key.release.bytes, &waited);
		reuse->turn_owner = CurrentResourceOwner;
		reuse->running = reuse->turn && turn_runs(reuse->key.release.bytes);
	}
	return waited;
}

/* reuse_paid: the releases were paid for, and do not run yet; that may take as long as a client likes. */
void
reuse_paid(List *releases)
{
	ListCell   *lc;

	foreach(lc, releases)
	{
		Reuse	   *reuse = release_state(lfirst(lc))->reuse;

		if (reuse != NULL && reuse->running)
			turn_rests(reuse->key.release.bytes);
		if (reuse != NULL)
			reuse->running = false;
	}
}

/* Gives all turns back. */
static void
end_turns(List *releases)
{
	ListCell   *lc;

	foreach(lc, releases)
	{
		if (release_state(lfirst(lc))->reuse != NULL)
			end_turn(lfirst(lc));
	}
}

/* Finds what answers there are. */
static void
look(List *releases)
{
	bool		keeps = may_keep(release_state(linitial(releases))->css.ss.ps.state);
	List	   *found = NIL;
	ListCell   *lc;

	foreach(lc, releases)
	{
		ReleaseState *state = release_state(lfirst(lc));
		ReuseWindow window;

		state->reuse = NULL;
		if (!reuse_is_described(state) ||
			!ledger_reuse_window(&state->spec->population, NULL, &window))
			found = lappend(found, state);
	}
	foreach(lc, releases)
		find_answer(release_state(lfirst(lc)), releases, &found);
	settle_together(releases);
	foreach(lc, releases)
	{
		ReleaseState *state = release_state(lfirst(lc));

		if (state->reuse != NULL)
		{
			state->reuse->releases = releases;
			state->reuse->keeps = keeps;
		}
		/* answers that it reads may be other ones than those of its key */
		if (state->reuse != NULL && state->reuse->answer == NULL && reuse_reads(state, releases) != NIL)
			(void) reuse_key(state, releases, &state->reuse->key);
	}
}

/*
 * May answers be handed out again in the place of any of these releases?  The plan knows whether there is a window
 * at all: without one it has no description of them.
 */
static bool
may_reuse(List *releases)
{
	ListCell   *lc;

	foreach(lc, releases)
	{
		if (reuse_is_described(release_state(lfirst(lc))))
			return drain_is_seen();
	}
	return false;
}

/* reuse_foresee: finds the answers that would be handed out again if the statement ran now; waits for nobody. */
void
reuse_foresee(List *releases)
{
	if (may_reuse(releases))
		look(releases);
}

/*
 * reuse_answers
 *		Finds answers that are handed out again in the place of releases of a statement, which are
 *		about to be paid for; of all others, sees to it that their answers are kept.
 *
 * Waits for sessions that draw what is asked here.  Inside a release that is drained nothing is handed
 * out and nothing kept: whether it is asked for may depend on rows.
 */
void
reuse_answers(List *releases)
{
	MemoryContext old;

	if (!may_reuse(releases))
		return;
	old = MemoryContextSwitchTo(release_state(linitial(releases))->css.ss.ps.state->es_query_cxt);
	for (int i = 0; i < MOST_LOOKS; i++)
	{
		look(releases);
		if (!dp_setting_reuse || !take_turns(releases))
			break;
		if (i < MOST_LOOKS - 1)
			end_turns(releases);
	}
	MemoryContextSwitchTo(old);
}
