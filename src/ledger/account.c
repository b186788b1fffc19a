/*
 * account.c
 *		Who holds an account on a population, and what follows from it before it is charged.
 *
 * Read like a catalog: with a scan of our own, no SPI and no privileges, on
 * behalf of whoever asks.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "accounting/concentrated.h"
#include "accounting/units.h"
#include "ledger/account.h"
#include "ledger/layout.h"
#include "ledger/tables.h"
#include "mechanism/status.h"
#include "policy/policy.h"

/* Does the role still exist?  The account of a dropped one is closed. */
bool
ledger_role_is_live(Oid role)
{
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role));
}

/* Does a grant let its member do what the role may?  From PostgreSQL 16 on, ADMIN alone does not. */
static bool
grant_acts(HeapTuple grant)
{
#if PG_VERSION_NUM >= 160000
	Form_pg_auth_members form = (Form_pg_auth_members) GETSTRUCT(grant);

	return form->inherit_option || form->set_option;
#else
	return true;
#endif
}

/* Adds the roles that a role was granted with INHERIT or SET to a list. */
static List *
add_granted(List *roles, Oid member)
{
	CatCList   *grants = SearchSysCacheList1(AUTHMEMMEMROLE, ObjectIdGetDatum(member));

	for (int i = 0; i < grants->n_members; i++)
	{
		HeapTuple	grant = &grants->members[i]->tuple;

		if (grant_acts(grant))
			roles = list_append_unique_oid(roles, ((Form_pg_auth_members) GETSTRUCT(grant))->roleid);
	}
	ReleaseCatCacheList(grants);
	return roles;
}

/* The role that owns this database: it is a member of pg_database_owner, whom no catalog names. */
static Oid
database_owner(void)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for database %u", MyDatabaseId);
	owner = ((Form_pg_database) GETSTRUCT(tuple))->datdba;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * ledger_acting_roles
 *		The session user and the current user, and the roles that either may act as: those of which it
 *		is a member, at any depth, and inherits the rights or may SET ROLE to.
 *
 * These are the roles whose accounts pay.  Being a superuser makes nobody a member here, and who has
 * made a role, and so has ADMIN on it alone, does not act as that role.  A list of OIDs, of which none
 * comes twice.
 */
List *
ledger_acting_roles(Oid session_user, Oid current_user)
{
	Oid			owner = database_owner();
	List	   *roles = list_append_unique_oid(list_make1_oid(session_user), current_user);
	ListCell   *lc;

	foreach(lc, roles)
	{
		roles = add_granted(roles, lfirst_oid(lc));
		if (lfirst_oid(lc) == owner)
			roles = list_append_unique_oid(roles, ROLE_PG_DATABASE_OWNER);
	}
	return roles;
}

/* Has the role an account on the population?  As catalogs are read: what is committed counts, and
 * what this transaction has done itself. */
static bool
holds_account(Relation rel, const NameData *population, Oid role)
{
	SysScanDesc scan = ledger_begin_account(rel, population, role, NULL);
	bool		found = HeapTupleIsValid(systable_getnext(scan));

	systable_endscan(scan);
	return found && ledger_role_is_live(role);
}

/*
 * ledger_role_has_account
 *		Is there an account on the population that names the session user, the
 *		current user, or a role that either may act as?
 *
 * False if the extension is not
 * installed in this database.  Spends nothing and tells nothing but this; what
 * counts at a charge is what the worker of the ledger sees.
 */
bool
ledger_role_has_account(const NameData *population)
{
	Relation	rel;
	List	   *roles;
	ListCell   *lc;
	bool		found = false;

	if (!OidIsValid(ledger_table("account")))
		return false;
	rel = ledger_open_holders(AccessShareLock);
	roles = ledger_acting_roles(GetSessionUserId(), GetUserId());
	foreach(lc, roles)
	{
		if ((found = holds_account(rel, population, lfirst_oid(lc))))
			break;
	}
	list_free(roles);
	table_close(rel, AccessShareLock);
	return found;
}

/* A column of an account, as an integer; 0 for NULL. */
static int64
get_integer(Relation rel, HeapTuple tuple, AttrNumber attno)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attno, RelationGetDescr(rel), &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* ledger_accounts: the table of accounts; InvalidOid if the extension is not installed. */
Oid
ledger_accounts(void)
{
	return ledger_table("account");
}

/* Adds an account to how many there are, and to how many of them add up rho. */
static void
count_account(Relation rel, const NameData *population, Oid role, int *accounts, int *concentrated)
{
	SysScanDesc scan = ledger_begin_account(rel, population, role, NULL);
	HeapTuple	tuple = systable_getnext(scan);

	if (HeapTupleIsValid(tuple))
	{
		(*accounts)++;
		*concentrated += get_integer(rel, tuple, Anum_account_rho_limit) > 0 ? 1 : 0;
	}
	systable_endscan(scan);
}

/*
 * ledger_is_concentrated
 *		Do all accounts that pay for a release of this session add up rho, the cap of the population
 *		among them, and is there any?
 *
 * Then its noise may be such that rho is what it costs, and epsilon only together with delta.  The
 * worker asks again when it charges (LEDGER_NOT_CONCENTRATED).
 */
bool
ledger_is_concentrated(const NameData *population)
{
	Relation	rel;
	List	   *roles;
	ListCell   *lc;
	int			accounts = 0;
	int			concentrated = 0;

	if (!OidIsValid(ledger_table("account")))
		return false;
	rel = ledger_open("account", AccessShareLock);
	count_account(rel, population, InvalidOid, &accounts, &concentrated);
	roles = ledger_acting_roles(GetSessionUserId(), GetUserId());
	foreach(lc, roles)
		count_account(rel, population, lfirst_oid(lc), &accounts, &concentrated);
	list_free(roles);
	table_close(rel, AccessShareLock);
	return accounts > 0 && concentrated == accounts;
}

/* An account that has delta for so many releases runs out of other things first. */
#define DELTA_IN_PLENTY 1000000

/*
 * The part of the delta of a role's account that goes with a price, in atto-delta, rounded down:
 * the same as of its epsilon, or its rho.  No less than delta_atto if the role has no account, or one
 * that has delta in plenty.
 */
static int64
account_delta_share(Relation rel, const NameData *population, Oid role, int64 epsilon_nano,
					int64 delta_atto)
{
	SysScanDesc scan = ledger_begin_account(rel, population, role, NULL);
	HeapTuple	tuple = systable_getnext(scan);
	int64		result = delta_atto;

	if (HeapTupleIsValid(tuple))
	{
		int64		rho_limit = get_integer(rel, tuple, Anum_account_rho_limit);
		int64		whole = rho_limit > 0 ? rho_limit : get_integer(rel, tuple, Anum_account_epsilon_limit);
		int64		delta = get_integer(rel, tuple, Anum_account_delta_limit);
		int64		part = epsilon_nano;

		if (rho_limit > 0)
		{
			delta -= dp_rho_conversion_delta(delta);
			if (dp_rho_of_epsilon(epsilon_nano, &part) != DP_OK)
				part = whole;
		}
		if (delta / DELTA_IN_PLENTY < delta_atto)
			result = dp_loss_share(delta, Min(part, whole), whole);
	}
	systable_endscan(scan);
	return result;
}

/*
 * ledger_delta_share
 *		The delta, in atto-delta and at most delta_atto, that a release of this session at a price of
 *		epsilon_nano costs, so that no account that pays for it runs out of delta before it runs out of
 *		the rest.
 *
 * Each of them has that part of its delta for the release that the release takes of its epsilon, or
 * of its rho; or delta_atto, if its delta is enough for a million releases like that.  Follows from what
 * accounts may spend, not from what they have spent.
 */
int64
ledger_delta_share(const NameData *population, int64 epsilon_nano, int64 delta_atto)
{
	Relation	rel;
	List	   *roles;
	ListCell   *lc;
	int64		result;

	if (!OidIsValid(ledger_table("account")))
		return delta_atto;
	rel = ledger_open("account", AccessShareLock);
	result = Min(delta_atto, account_delta_share(rel, population, InvalidOid, epsilon_nano, delta_atto));
	roles = ledger_acting_roles(GetSessionUserId(), GetUserId());
	foreach(lc, roles)
		result = Min(result, account_delta_share(rel, population, lfirst_oid(lc), epsilon_nano, delta_atto));
	list_free(roles);
	table_close(rel, AccessShareLock);
	return result;
}

/*
 * Is the role an analyst of the relation, one that may see it through releases only?
 * Such a role lacks SELECT on the table and holds an account on its population.
 */
bool
role_is_analyst(Oid user, Oid relid, const ProtectedRelation *rel)
{
	return pg_class_aclcheck(relid, user, ACL_SELECT) != ACLCHECK_OK &&
		ledger_role_has_account(&rel->population);
}
