/*
 * reuse_key.c
 *		By what a release is known when it is asked for again, with the values of this execution.
 *
 * The rewriter has described what is asked (query/reuse.c).  Here it is joined with what is known only now:
 * the values of constants, parameters and functions of the session, price and limits, and which
 * answers to other releases it reads.  None of that depends on protected rows, so neither does whether an
 * answer is handed out again.
 *
 * What public relations hold is not part of the key: it changes as protected rows do, and an answer is as
 * old as the population's window allows.  But who may write a relation would wonder why an answer does not follow what
 * it has just written: then the release is drawn.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "core/compat.h"
#include "core/settings.h"
#include "nodes/node_params.h"
#include "nodes/release/reuse_key.h"
#include "nodes/release/state.h"
#include "session/neutral.h"
#include "spec/needs.h"
#include "spec/spec.h"

/* Changes whenever answers or their keys mean something else. */
#define REUSE_FORMAT 3

/* Order of two digests. */
int
compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(ReuseDigest));
}

/*
 * append_flat: appends a value of a type of that length as bytes: how many, or -1 for NULL, and what it is, neither
 * compressed nor stored elsewhere.
 */
void
append_flat(StringInfo bytes, Datum value, bool isnull, int16 length, bool by_value)
{
	const void *data = &value;
	int32		size = sizeof(Datum);

	if (isnull)
		size = -1;
	else if (!by_value && length == -1)
	{
		struct varlena *flat = pg_detoast_datum((struct varlena *) DatumGetPointer(value));

		data = flat;
		size = VARSIZE(flat);
	}
	else if (!by_value)
	{
		data = DatumGetPointer(value);
		size = length == -2 ? (int32) strlen(data) + 1 : length;
	}
	appendBinaryStringInfo(bytes, (const char *) &size, sizeof(size));
	if (size > 0)
		appendBinaryStringInfo(bytes, data, size);
}

/* What an expression yields now. */
static Const *
value_now(ReleaseState *state, Expr *expr)
{
	return IsA(expr, Const) ? (Const *) expr : node_value((Node *) expr, &state->css.ss.ps);
}

/* Appends what an expression yields now. */
static void
append_value(StringInfo bytes, ReleaseState *state, Expr *expr)
{
	const Const *value = value_now(state, expr);

	append_flat(bytes, value->constvalue, value->constisnull, value->constlen, value->constbyval);
}

/* The bytes of a constant. */
static void
append_const(StringInfo bytes, const Const *constant)
{
	struct varlena *data = (struct varlena *) DatumGetPointer(constant->constvalue);

	appendBinaryStringInfo(bytes, VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
}

/* Appends a part: its digest and its values. */
static void
append_part(StringInfo bytes, ReleaseState *state, List *part)
{
	ListCell   *lc;

	append_const(bytes, linitial(part));
	for_each_from(lc, part, 1)
		append_value(bytes, state, lfirst(lc));
}

/* The digests of a list of parts. */
static ReuseDigest *
digests(ReleaseState *state, List *parts)
{
	ReuseDigest *result = palloc(Max(list_length(parts), 1) * sizeof(ReuseDigest));
	StringInfoData bytes;
	ListCell   *lc;

	initStringInfo(&bytes);
	foreach(lc, parts)
	{
		resetStringInfo(&bytes);
		append_part(&bytes, state, lfirst(lc));
		sha256_of(bytes.data, bytes.len, result[foreach_current_index(lc)].bytes);
	}
	pfree(bytes.data);
	return result;
}

/* The description that the rewriter has made, or NIL. */
static List *
description(const ReleaseState *state)
{
	return list_nth(state->needs, NEED_REUSE);
}

/* Is it known by what the release would be found again?  Otherwise it is drawn each time. */
bool
reuse_is_described(const ReleaseState *state)
{
	return description(state) != NIL;
}

/* May the session change what a public relation holds?  That of a catalog changes by any DDL. */
static bool
may_write(Oid relid)
{
	const AclMode writes = ACL_INSERT | ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE;
	const AclMode of_columns = ACL_INSERT | ACL_UPDATE;
	Oid			roles[2] = {GetUserId(), GetSessionUserId()};

	if (relid < FirstNormalObjectId || get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		return true;
	for (int i = 0; i < (int) lengthof(roles); i++)
	{
		if (pg_class_aclmask(relid, roles[i], writes, ACLMASK_ANY) != 0 ||
			pg_attribute_aclcheck_all(relid, roles[i], of_columns, ACLMASK_ANY) == ACLCHECK_OK)
			return true;
	}
	return false;
}

/* The release of that identity among those of the statement, or NULL. */
static ReleaseState *
find_release(List *releases, const Const *identity)
{
	struct varlena *id = (struct varlena *) DatumGetPointer(identity->constvalue);
	ListCell   *lc;

	foreach(lc, releases)
	{
		ReleaseState *candidate = release_state(lfirst(lc));

		if (memcmp(candidate->spec->id, VARDATA_ANY(id), DP_SPEC_ID_BYTES) == 0)
			return candidate;
	}
	return NULL;
}

/*
 * The other releases of the statement whose answers a release reads, a list of ReleaseState in
 * which NULL stands for one that is not among them.
 */
List *
reuse_reads(const ReleaseState *state, List *releases)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (description(state) == NIL)
		return NIL;
	foreach(lc, (List *) list_nth(description(state), REUSE_RELEASES))
		result = lappend(result, find_release(releases, lfirst(lc)));
	return result;
}

/* Appends which answers it reads, and which of their columns is what; false if that is not known. */
static bool
append_reads(StringInfo bytes, ReleaseState *state, List *releases)
{
	ListCell   *lc;

	foreach(lc, reuse_reads(state, releases))
	{
		const ReleaseState *read = lfirst(lc);

		if (read == NULL || read->reuse == NULL)
			return false;
		appendBinaryStringInfo(bytes, (const char *) read->reuse->id, ANSWER_ID_BYTES);
		appendBinaryStringInfo(bytes, (const char *) read->reuse->key.keys,
							   read->spec->nkeys * sizeof(ReuseDigest));
		appendBinaryStringInfo(bytes, (const char *) read->reuse->key.outputs,
							   read->spec->noutputs * sizeof(ReuseDigest));
	}
	return true;
}

/* Appends price and limits as they were asked for, and what else decides about groups. */
static void
append_settings(StringInfo bytes, const ReleaseState *state, bool session)
{
	const ReleaseSpec *spec = state->spec;
	int			minimum = setting_min_individuals();

	appendBinaryStringInfo(bytes, (const char *) state->params.values,
						   DP_PARAM_FIRST_OTHER * sizeof(double));
	appendStringInfo(bytes, " %d %d %d %d %d %d %d", minimum, spec->grouping.number, spec->grouping.count,
					 spec->grouping.part, spec->grouping.whole, spec->rows_asked, spec->groups_asked);
	for (int i = 0; session && i < session_settings_count; i++)
	{
		const char *value = GetConfigOption(session_settings[i], true, false);

		appendStringInfo(bytes, "\n%s", value != NULL ? value : "");
	}
}

/* Puts what reads no column at its value now. */
static Node *
settle_mutator(Node *node, ReleaseState *state)
{
	if (node == NULL)
		return NULL;
	if (!IsA(node, List) && !IsA(node, Const) && !contain_var_clause(node))
		return (Node *) value_now(state, (Expr *) node);
	return expression_tree_mutator(node, settle_mutator, (void *) state);
}

/*
 * The conditions on keys alone, over the released rows.  They compare with the values that are in the key: the
 * session's may be others by the time that rows are handed out.
 */
List *
reuse_key_quals(ReleaseState *state)
{
	return (List *) settle_mutator(list_nth(description(state), REUSE_KEY_QUALS), state);
}

/*
 * The id of the part that a release has of an answer, in the place of the answer's own id: other parts of
 * it have other rows.
 */
void
reuse_part_id(const ReuseKey *key, uint8 *id)
{
	uint8		bytes[ANSWER_ID_BYTES + sizeof(ReuseDigest)];
	uint8		digest[SHA256_SIZE];

	memcpy(bytes, id, ANSWER_ID_BYTES);
	memcpy(bytes + ANSWER_ID_BYTES, key->release.bytes, sizeof(ReuseDigest));
	sha256_of(bytes, sizeof(bytes), digest);
	memcpy(id, digest, ANSWER_ID_BYTES);
}

/* May all public relations that are read be read as they were? */
static bool
publics_are_others(List *relids)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		if (may_write(lfirst_oid(lc)))
			return false;
	}
	return true;
}

/* The digest of a release that reads these rows; what else it is made of, in *rest. */
static void
digest_release(ReleaseState *state, List *rows, StringInfo rest, ReuseDigest *digest)
{
	StringInfoData bytes;

	initStringInfo(&bytes);
	appendStringInfo(&bytes, "%d %d", REUSE_FORMAT, PG_VERSION_NUM / 100);
	append_part(&bytes, state, rows);
	appendBinaryStringInfo(&bytes, rest->data, rest->len);
	sha256_of(bytes.data, bytes.len, digest->bytes);
	pfree(bytes.data);
}

/*
 * The key of a release, whose params have been read; false if it cannot be used again.  releases: all
 * of the statement, of which those that it reads have their own keys.  Allocates in the current
 * context.  Raises what its expressions raise.
 */
bool
reuse_key(ReleaseState *state, List *releases, ReuseKey *key)
{
	List	   *items = description(state);
	int			nkeys = state->spec->nkeys;
	ReuseDigest *sorted;
	StringInfoData rest;

	if (items == NIL || list_length(list_nth(items, REUSE_KEYS)) != nkeys ||
		!publics_are_others(list_nth(items, REUSE_PUBLICS)))
		return false;
	initStringInfo(&rest);
	if (!append_reads(&rest, state, releases))
		return false;
	appendBinaryStringInfo(&rest, (const char *) &key->refreshed_at, sizeof(key->refreshed_at));
	append_settings(&rest, state, DatumGetBool(((Const *) list_nth(items, REUSE_SESSION))->constvalue));
	key->keys = digests(state, list_nth(items, REUSE_KEYS));
	key->outputs = digests(state, list_nth(items, REUSE_OUTPUTS));
	sorted = palloc(Max(nkeys, 1) * sizeof(ReuseDigest));
	memcpy(sorted, key->keys, nkeys * sizeof(ReuseDigest));
	qsort(sorted, nkeys, sizeof(ReuseDigest), compare_digests);
	appendBinaryStringInfo(&rest, (const char *) sorted, nkeys * sizeof(ReuseDigest));

	digest_release(state, list_nth(items, REUSE_ROWS), &rest, &key->release);
	key->has_whole = list_nth(items, REUSE_WHOLE_ROWS) != NIL;
	if (key->has_whole)
		digest_release(state, list_nth(items, REUSE_WHOLE_ROWS), &rest, &key->whole);
	return true;
}
