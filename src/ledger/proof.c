/*
 * proof.c
 *		Are the accounts as the chain says?
 *
 * The limits of an account must be those that its last change has left, and what it has
 * spent in its lifetime must be what it had then and what the releases since have cost.
 * Whoever writes to the table of accounts behind the back of its triggers is found by that.
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

#include "ledger/account.h"
#include "ledger/proof.h"
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

/* What the chain says about one account. */
typedef struct ProofAccount
{
	ProofKey	key;			/* hash key, must be first */
	int64		id;				/* number of its last change; 0: there is none */
	NameData	role_name;		/* name of the role at the last change */
	char	   *after;			/* the row that this change has left, as JSON; NULL: it was
								 * closed */
	dp_int128	epsilon;		/* cost of the releases since, nano-epsilon */
	dp_int128	delta;			/* cost of the releases since, atto-delta */
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
 * What entries say
 * ----------
 */

/* The account of a role on a population, new if the chain has not named it yet. */
static ProofAccount *
get_account(Proof *proof, int64 cluster, Oid role, const NameData *population)
{
	ProofKey	key;
	ProofAccount *account;
	bool		found;

	memset(&key, 0, sizeof(key));
	key.cluster = cluster;
	key.role = role;
	namestrcpy(&key.population, NameStr(*population));
	account = hash_search(proof->accounts, &key, HASH_ENTER, &found);
	if (!found)
		memset((char *) account + sizeof(key), 0, sizeof(ProofAccount) - sizeof(key));
	return account;
}

/* A release: the accounts that paid for it have spent that much more. */
static void
add_release(Proof *proof, const Datum *values)
{
	char	   *accounts = TextDatumGetCString(values[Anum_release_accounts - 1]);
	int64		cluster = DatumGetInt64(values[Anum_release_cluster - 1]);
	NameData   *population = DatumGetName(values[Anum_release_population - 1]);

	for (char *word = strtok(accounts, " "); word != NULL; word = strtok(NULL, " "))
	{
		Oid			role = (Oid) strtoul(word, NULL, 10);
		ProofAccount *account = get_account(proof, cluster, role, population);

		account->epsilon += DatumGetInt64(values[Anum_release_epsilon - 1]);
		account->delta += DatumGetInt64(values[Anum_release_delta - 1]);
	}
}

/* A change of an account, chained under a number or waiting for one. */
static void
add_change(Proof *proof, int64 id, const Datum *values, const bool *nulls)
{
	ProofAccount *account = get_account(proof, DatumGetInt64(values[Anum_release_cluster - 1]),
										DatumGetObjectId(values[Anum_account_change_role_id - 1]),
										DatumGetName(values[Anum_account_change_population - 1]));
	MemoryContext old = MemoryContextSwitchTo(proof->context);

	account->id = id;
	account->role_name = *DatumGetName(values[Anum_account_change_role - 1]);
	account->after = nulls[Anum_account_change_after - 1] ? NULL :
		TextDatumGetCString(values[Anum_account_change_after - 1]);
	account->epsilon = 0;
	account->delta = 0;
	MemoryContextSwitchTo(old);
}

/* proof_add: what an entry, which comes next in the chain, says about accounts. */
void
proof_add(Proof *proof, const WalkSource *source)
{
	if (strcmp(source->name, "release") == 0)
		add_release(proof, source->values);
	else if (strcmp(source->name, "account_change") == 0)
		add_change(proof, walk_id(source), source->values, source->nulls);
}

/* Changes that wait for the chain: made by the caller's own transaction, or on a standby. */
static void
add_waiting(Proof *proof, Snapshot snapshot)
{
	Relation	rel = table_open(ledger_table_needed("account_change_waiting"), AccessShareLock);
	Relation	index = index_open(RelationGetPrimaryKeyIndex(rel), AccessShareLock);
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

/*
 * The account in the chain of another cluster: of the role with that OID, else with that
 * name; the one that was changed last.  NULL if there is none.
 */
static ProofAccount *
find_elsewhere(Proof *proof, Oid role, const NameData *population)
{
	char	   *name = DatumGetCString(OidFunctionCall1(F_PG_GET_USERBYID, ObjectIdGetDatum(role)));
	ProofAccount *best = NULL;
	ProofAccount *account;
	HASH_SEQ_STATUS scan;

	hash_seq_init(&scan, proof->accounts);
	while ((account = hash_seq_search(&scan)) != NULL)
	{
		if (account->id == 0 || account->after == NULL || account->key.cluster == proof->cluster ||
			strcmp(NameStr(account->key.population), NameStr(*population)) != 0 ||
			(account->key.role != role && strcmp(NameStr(account->role_name), name) != 0))
			continue;
		if (best == NULL || account->id > best->id)
			best = account;
	}
	return best;
}

/* The name of the first limit that differs; NULL if all are the same. */
static const char *
different_limit(Jsonb *was, Jsonb *is)
{
	static const char *const limits[] = {"epsilon_limit", "delta_limit", "max_epsilon_per_query",
		"min_epsilon_per_query", "max_releases", "period", "accountant"};

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
	fault->reason = psprintf("the account of role \"%s\" on population \"%s\" %s",
							 DatumGetCString(OidFunctionCall1(F_PG_GET_USERBYID, ObjectIdGetDatum(role))),
							 NameStr(*population), what);
}

/* Judges one row of dp_agg.account. */
static void
judge_account(Proof *proof, HeapTuple tuple, TupleDesc desc, LedgerFault *fault)
{
	bool		isnull;
	Oid			role = DatumGetObjectId(heap_getattr(tuple, Anum_account_role, desc, &isnull));
	NameData   *population = DatumGetName(heap_getattr(tuple, Anum_account_population, desc, &isnull));
	ProofAccount *here = get_account(proof, proof->cluster, role, population);
	ProofAccount *last = here->id != 0 ? here : find_elsewhere(proof, role, population);
	dp_int128	epsilon = here->epsilon;
	dp_int128	delta = here->delta;
	Datum		row;
	Jsonb	   *is;
	Jsonb	   *was;
	const char *limit;

	here->seen = true;
	if (last == NULL || last->after == NULL)
	{
		found_fault(fault, role, population, 0, "was opened behind the back of the ledger");
		return;
	}
	if (last != here)
	{
		epsilon += last->epsilon;
		delta += last->delta;
	}
	row = OidFunctionCall1(F_ROW_TO_JSON_RECORD, heap_copy_tuple_as_datum(tuple, desc));
	is = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(TextDatumGetCString(row))));
	was = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(last->after)));
	limit = different_limit(was, is);
	if (limit != NULL)
		found_fault(fault, role, population, last->id,
					psprintf("was changed behind the back of the ledger: %s is not what the last change has left", limit));
	else if (!same_lifetime(was, is, "epsilon_lifetime", epsilon) ||
			 !same_lifetime(was, is, "delta_lifetime", delta))
		found_fault(fault, role, population, last->id,
					"was changed behind the back of the ledger: what it has spent in its lifetime is not what its releases cost");
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
			account->key.cluster != proof->cluster || !ledger_role_is_live(account->key.role))
			continue;
		found_fault(fault, account->key.role, &account->key.population, account->id,
					"was closed behind the back of the ledger");
	}
}

/* proof_judge: holds the accounts against all that was added; says what is wrong in *fault. */
void
proof_judge(Proof *proof, Snapshot snapshot, LedgerFault *fault)
{
	Relation	rel = table_open(ledger_table_needed("account"), AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	HeapTuple	tuple;

	add_waiting(proof, snapshot);
	while (!fault->found && HeapTupleIsValid(tuple = systable_getnext(scan)))
		judge_account(proof, tuple, RelationGetDescr(rel), fault);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	judge_missing(proof, fault);
}
