/*
 * proof.c
 *		Are the accounts as the chain says?
 *
 * The limits of an account must be those that its last change has left, and what it has
 * spent, in this period and in its lifetime, must be what it had then and what the releases
 * since have cost.  Whoever writes to the table of accounts behind the back of its triggers is found by that.
 *
 * An account is known by the OID of its role in one cluster.  In a cluster that took the
 * tables over from another one, by pg_upgrade or as a logical copy, accounts have no change of
 * their own: they are then found by the OID or the name of their role in the other cluster.
 * A restore of a dump opens them anew.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "accounting/concentrated.h"
#include "core/compat.h"
#include "ledger/account.h"
#include "ledger/layout.h"
#include "ledger/proof.h"
#include "ledger/renewal.h"
#include "ledger/tables.h"
#include "ledger/walk.h"
#include "mechanism/status.h"

/* Whose account it is. */
typedef struct ProofKey
{
	int64		cluster;		/* in which role is an OID */
	NameData	population;
	Oid			role;
	uint32		zero;			/* keys are compared by bytes */
} ProofKey;

/* What an account has spent: epsilon in nano-epsilon, delta in atto-delta, rho in pico-rho. */
typedef struct ProofSpent
{
	dp_int128	epsilon;
	dp_int128	delta;
	dp_int128	rho;
	dp_int128	releases;
} ProofSpent;

/* What the chain says about one account. */
typedef struct ProofAccount
{
	ProofKey	key;			/* hash key, must be first */
	int64		id;				/* number of its last change; 0: there is none */
	int64		latest;			/* number of the last entry about it */
	NameData	role_name;		/* name of the role at the last change */
	Jsonb	   *after;			/* the row that this change has left; NULL: it was closed */
	ProofSpent	since;			/* what the releases since that change have cost */
	ProofSpent	spent;			/* what is spent in the period */
	TimestampTz renews_at;		/* end of the period; 0: it has none */
	bool		seen;			/* there is such an account */
} ProofAccount;

struct Proof
{
	HTAB	   *accounts;
	int64		cluster;		/* this one */
	MemoryContext context;
};

Proof *
proof_begin(void)
{
	HASHCTL		control = {.keysize = sizeof(ProofKey),.entrysize = sizeof(ProofAccount)};
	Proof	   *proof = palloc0(sizeof(Proof));

	control.hcxt = CurrentMemoryContext;
	proof->context = CurrentMemoryContext;
	proof->cluster = (int64) GetSystemIdentifier();
	proof->accounts = hash_create("dp_agg accounts in the chain", 64, &control,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return proof;
}

/* ----------
 * Accounts as JSON
 * ----------
 */

/* A value of type text as JSON. */
static Jsonb *
json_of(Datum json)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(TextDatumGetCString(json))));
}

/* The value of a key, in *value; NULL if it is absent or null. */
static JsonbValue *
get_key(Jsonb *object, const char *key, JsonbValue *value)
{
	JsonbValue *found = getKeyJsonValueFromContainer(&object->root, key, strlen(key), value);

	return found == NULL || found->type == jbvNull ? NULL : found;
}

/* Have both rows the same value there? */
static bool
same_value(Jsonb *a, Jsonb *b, const char *key)
{
	JsonbValue	first;
	JsonbValue	second;
	JsonbValue *x = get_key(a, key, &first);
	JsonbValue *y = get_key(b, key, &second);

	if (x == NULL || y == NULL)
		return x == y;
	if (x->type != y->type)
		return false;
	if (x->type == jbvNumeric)
		return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(x->val.numeric),
												NumericGetDatum(y->val.numeric)));
	return x->type == jbvString && x->val.string.len == y->val.string.len &&
		memcmp(x->val.string.val, y->val.string.val, x->val.string.len) == 0;
}

/* An integer of an account; 0 if it is not there. */
static int64
get_integer(Jsonb *account, const char *key)
{
	JsonbValue	value;

	if (account == NULL || get_key(account, key, &value) == NULL || value.type != jbvNumeric)
		return 0;
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(value.val.numeric)));
}

/* A text of an account; NULL if it is not there. */
static char *
get_text(Jsonb *account, const char *key)
{
	JsonbValue	value;

	if (account == NULL || get_key(account, key, &value) == NULL || value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* A time of an account; 0 if it is not there. */
static TimestampTz
get_time(Jsonb *account, const char *key)
{
	char	   *text = get_text(account, key);

	return text == NULL ? 0 :
		DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(text),
												ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/* When an account renews that renews after that time; 0 if it never does. */
static TimestampTz
next_renewal(Jsonb *account, TimestampTz after)
{
	char	   *period = get_text(account, "period");

	if (period == NULL)
		return 0;
	return ledger_next_renewal(get_time(account, "period_anchor"),
							   DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(period),
																	 ObjectIdGetDatum(InvalidOid),
																	 Int32GetDatum(-1))),
							   after);
}

/* ----------
 * What entries say
 * ----------
 */

/* The account of a role on a population; *found tells whether the chain has named it yet. */
static ProofAccount *
enter_account(Proof *proof, int64 cluster, Oid role, const NameData *population, bool *found)
{
	ProofKey	key;
	ProofAccount *account;

	memset(&key, 0, sizeof(key));
	key.cluster = cluster;
	key.role = role;
	namestrcpy(&key.population, NameStr(*population));
	account = hash_search(proof->accounts, &key, HASH_ENTER, found);
	if (!*found)
		memset((char *) account + sizeof(key), 0, sizeof(ProofAccount) - sizeof(key));
	return account;
}

/* Keeps the row that a change has left, or NULL, in place of the one before. */
static void
set_after(Proof *proof, ProofAccount *account, const Jsonb *after)
{
	if (account->after != NULL)
		pfree(account->after);
	account->after = NULL;
	if (after != NULL)
		account->after = memcpy(MemoryContextAlloc(proof->context, VARSIZE(after)), after, VARSIZE(after));
}

/*
 * How much speaks for it that the account was "other" in the cluster that it was in before: 2
 * that the role has its name, 1 that it has its OID, 0 nothing.  name may be NULL.
 */
static int
likeness(const ProofAccount *account, const char *name, const ProofAccount *other)
{
	if (other->after == NULL || other->key.cluster == account->key.cluster ||
		OidIsValid(other->key.role) != OidIsValid(account->key.role) ||
		strcmp(NameStr(other->key.population), NameStr(account->key.population)) != 0)
		return 0;
	if (name != NULL && strcmp(NameStr(other->role_name), name) == 0)
		return 2;
	return other->key.role == account->key.role ? 1 : 0;
}

/* An account that has no change of its own goes on from the one that it was elsewhere, if any. */
static void
inherit_account(Proof *proof, ProofAccount *account)
{
	char	   *name = account->key.cluster != proof->cluster ? NULL :
		DatumGetCString(OidFunctionCall1(F_PG_GET_USERBYID, ObjectIdGetDatum(account->key.role)));
	ProofAccount *best = NULL;
	int			best_likeness = 1;
	ProofAccount *other;
	HASH_SEQ_STATUS scan;

	hash_seq_init(&scan, proof->accounts);
	while ((other = hash_seq_search(&scan)) != NULL)
	{
		int			like = likeness(account, name, other);

		if (like < best_likeness || (best && like == best_likeness && other->latest < best->latest))
			continue;
		best = other;
		best_likeness = like;
	}
	if (best != NULL)
	{
		ProofKey	key = account->key;

		*account = *best;
		account->key = key;
		account->seen = false;
		account->after = NULL;
		set_after(proof, account, best->after);
	}
}

/* The account of a role on a population, as the chain has left it. */
static ProofAccount *
get_account(Proof *proof, int64 cluster, Oid role, const NameData *population)
{
	bool		found;
	ProofAccount *account = enter_account(proof, cluster, role, population, &found);

	if (!found)
		inherit_account(proof, account);
	return account;
}

/* A release at that time has cost that much. */
static void
spend(ProofAccount *account, TimestampTz at, int64 epsilon, int64 delta)
{
	int64		rho;

	if (dp_rho_of_epsilon(epsilon, &rho) != DP_OK)
		rho = 0;				/* no release costs that */
	if (account->renews_at != 0 && account->renews_at <= at)
	{
		memset(&account->spent, 0, sizeof(ProofSpent));
		account->renews_at = next_renewal(account->after, at);
	}
	account->spent.epsilon += epsilon;
	account->spent.delta += delta;
	account->spent.rho += rho;
	account->spent.releases++;
	account->since.epsilon += epsilon;
	account->since.delta += delta;
	account->since.rho += rho;
}

/* A release: the accounts that paid for it have spent that much more. */
static void
add_release(Proof *proof, int64 id, const Datum *values)
{
	char	   *accounts = TextDatumGetCString(values[Anum_release_accounts - 1]);
	char	   *rest = NULL;
	int64		cluster = DatumGetInt64(values[Anum_release_cluster - 1]);
	NameData   *population = DatumGetName(values[Anum_release_population - 1]);

	for (char *word = strtok_r(accounts, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
	{
		Oid			role = (Oid) strtoul(word, NULL, 10);
		ProofAccount *account = get_account(proof, cluster, role, population);

		account->latest = id;
		spend(account, DatumGetTimestampTz(values[Anum_release_at - 1]),
			  DatumGetInt64(values[Anum_release_epsilon - 1]),
			  DatumGetInt64(values[Anum_release_delta - 1]));
	}
}

/* A change of an account, chained under a number or waiting for one. */
static void
add_change(Proof *proof, int64 id, const Datum *values, const bool *nulls)
{
	bool		found;
	ProofAccount *account = enter_account(proof, DatumGetInt64(values[Anum_release_cluster - 1]),
										  DatumGetObjectId(values[Anum_account_change_role_id - 1]),
										  DatumGetName(values[Anum_account_change_population - 1]),
										  &found);

	account->id = id;
	account->latest = id;
	account->role_name = *DatumGetName(values[Anum_account_change_role - 1]);
	set_after(proof, account, nulls[Anum_account_change_after - 1] ? NULL :
			  json_of(values[Anum_account_change_after - 1]));
	memset(&account->since, 0, sizeof(ProofSpent));
	account->spent.epsilon = get_integer(account->after, "epsilon_spent");
	account->spent.delta = get_integer(account->after, "delta_spent");
	account->spent.rho = get_integer(account->after, "rho_spent");
	account->spent.releases = get_integer(account->after, "releases_spent");
	account->renews_at = get_time(account->after, "renews_at");
}

/* proof_add: what an entry, which comes next in the chain, says about accounts. */
void
proof_add(Proof *proof, const WalkSource *source)
{
	if (strcmp(source->name, "release") == 0)
		add_release(proof, walk_id(source), source->values);
	else if (strcmp(source->name, "account_change") == 0)
		add_change(proof, walk_id(source), source->values, source->nulls);
}

/* Changes that wait for the chain: made by the caller's own transaction, or on a standby. */
static void
add_waiting(Proof *proof, Snapshot snapshot)
{
	Relation	rel = ledger_open("account_change_waiting", AccessShareLock);
	Relation	index = index_open(DP_PRIMARY_KEY_INDEX(rel), AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(rel, index, snapshot, 0, NULL);
	TupleDesc	desc = RelationGetDescr(rel);
	Datum	   *values = palloc(desc->natts * sizeof(Datum));
	bool	   *nulls = palloc(desc->natts * sizeof(bool));
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		heap_deform_tuple(tuple, desc, values, nulls);
		add_change(proof, PG_INT64_MAX, values, nulls);
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
}

/* ----------
 * What accounts say
 * ----------
 */

/* A wide integer as numeric. */
static Datum
wide_numeric(dp_int128 value)
{
	const int64 unit = INT64CONST(1000000000000000000);
	Datum		high = DirectFunctionCall1(int8_numeric, Int64GetDatum((int64) (value / unit)));
	Datum		low = DirectFunctionCall1(int8_numeric, Int64GetDatum((int64) (value % unit)));

	high = DirectFunctionCall2(numeric_mul, high, DirectFunctionCall1(int8_numeric, Int64GetDatum(unit)));
	return DirectFunctionCall2(numeric_add, high, low);
}

/* Is what is spent in a lifetime now what it was, and the cost of the releases since? */
static bool
same_lifetime(Jsonb *was, Jsonb *is, const char *key, dp_int128 since)
{
	JsonbValue	before;
	JsonbValue	after;
	JsonbValue *x = get_key(was, key, &before);
	JsonbValue *y = get_key(is, key, &after);

	if (x == NULL || y == NULL || x->type != jbvNumeric || y->type != jbvNumeric)
		return false;
	return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(y->val.numeric),
											DirectFunctionCall2(numeric_add, NumericGetDatum(x->val.numeric),
																wide_numeric(since))));
}

/* The name of the first limit that differs; NULL if all are the same. */
static const char *
different_limit(Jsonb *was, Jsonb *is)
{
	static const char *const limits[] = {"epsilon_limit", "delta_limit", "max_epsilon_per_query",
		"min_epsilon_per_query", "max_releases", "max_epsilon_lifetime", "max_rho_lifetime", "rho_limit",
		"period", "period_anchor", "accountant"};

	for (int i = 0; i < (int) lengthof(limits); i++)
	{
		if (!same_value(was, is, limits[i]))
			return limits[i];
	}
	return NULL;
}

/* Notes what is wrong with an account. */
static void
found_fault(LedgerFault *fault, Oid role, const NameData *population, int64 id, const char *what)
{
	fault->found = true;
	fault->id = id == 0 || id == PG_INT64_MAX ? -1 : id;
	fault->relation = "account";
	fault->reason = !OidIsValid(role) ?
		psprintf("the cap on population \"%s\" %s", NameStr(*population), what) :
		psprintf("the account of role \"%s\" on population \"%s\" %s",
				 DatumGetCString(OidFunctionCall1(F_PG_GET_USERBYID, ObjectIdGetDatum(role))),
				 NameStr(*population), what);
}

/* Is what is spent in the period what its releases cost? */
static bool
same_period(const ProofAccount *account, HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	TimestampTz renews_at = DatumGetTimestampTz(heap_getattr(tuple, Anum_account_renews_at, desc, &isnull));

	return (isnull ? 0 : renews_at) == account->renews_at &&
		DatumGetInt64(heap_getattr(tuple, Anum_account_epsilon_spent, desc, &isnull)) == account->spent.epsilon &&
		DatumGetInt64(heap_getattr(tuple, Anum_account_delta_spent, desc, &isnull)) == account->spent.delta &&
		DatumGetInt64(heap_getattr(tuple, Anum_account_rho_spent, desc, &isnull)) ==
		Min(account->spent.rho, PG_INT64_MAX) &&
		DatumGetInt64(heap_getattr(tuple, Anum_account_releases_spent, desc, &isnull)) == account->spent.releases;
}

/* What is wrong with an account that the chain knows; NULL if nothing is. */
static const char *
judge_row(const ProofAccount *account, HeapTuple tuple, TupleDesc desc)
{
	Datum		row = OidFunctionCall1(F_ROW_TO_JSON_RECORD, heap_copy_tuple_as_datum(tuple, desc));
	Jsonb	   *is = json_of(row);
	const char *limit = different_limit(account->after, is);

	if (limit != NULL)
		return psprintf("%s is not what the last change has left", limit);
	if (!same_lifetime(account->after, is, "epsilon_lifetime", account->since.epsilon) ||
		!same_lifetime(account->after, is, "delta_lifetime", account->since.delta) ||
		!same_lifetime(account->after, is, "rho_lifetime", account->since.rho))
		return "what it has spent in its lifetime is not what its releases cost";
	if (!same_period(account, tuple, desc))
		return "what it has spent in this period is not what its releases cost";
	return NULL;
}

/* Judges one row of dp_agg.account. */
static void
judge_account(Proof *proof, HeapTuple tuple, TupleDesc desc, LedgerFault *fault)
{
	bool		isnull;
	Oid			role = DatumGetObjectId(heap_getattr(tuple, Anum_account_role, desc, &isnull));
	NameData   *population = DatumGetName(heap_getattr(tuple, Anum_account_population, desc, &isnull));
	ProofAccount *account = get_account(proof, proof->cluster, role, population);
	const char *wrong;

	account->seen = true;
	if (account->after == NULL)
		found_fault(fault, role, population, 0, "was opened behind the back of the ledger");
	else if ((wrong = judge_row(account, tuple, desc)) != NULL)
		found_fault(fault, role, population, account->id,
					psprintf("was changed behind the back of the ledger: %s", wrong));
}

/*
 * An account that the chain of this cluster has not seen closed must be there.  That of a
 * dropped role need not be: no dump carries it.
 */
static void
judge_missing(Proof *proof, LedgerFault *fault)
{
	ProofAccount *account;
	HASH_SEQ_STATUS scan;

	hash_seq_init(&scan, proof->accounts);
	while ((account = hash_seq_search(&scan)) != NULL)
	{
		if (fault->found || account->seen || account->after == NULL ||
			account->key.cluster != proof->cluster ||
			(OidIsValid(account->key.role) && !ledger_role_is_live(account->key.role)))
			continue;
		found_fault(fault, account->key.role, &account->key.population, account->id,
					"was closed behind the back of the ledger");
	}
}

/* proof_judge: holds the accounts against all that was added; says what is wrong in *fault. */
void
proof_judge(Proof *proof, Snapshot snapshot, LedgerFault *fault)
{
	Relation	rel = ledger_open("account", AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	HeapTuple	tuple;

	add_waiting(proof, snapshot);
	while (!fault->found && HeapTupleIsValid(tuple = systable_getnext(scan)))
		judge_account(proof, tuple, RelationGetDescr(rel), fault);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	judge_missing(proof, fault);
}
