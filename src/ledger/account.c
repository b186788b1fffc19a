/*
 * account.c
 *		Who holds an account on a population.
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

#include "ledger/account.h"
#include "ledger/layout.h"
#include "ledger/tables.h"
#include "policy/policy.h"

/*
 * OIDs of the roles with an account on a population, as catalogs are read: what is
 * committed counts, and what this transaction has done itself.
 */
static List *
account_roles(const NameData *population)
{
	Relation	rel = ledger_open_holders(AccessShareLock);
	SysScanDesc scan = ledger_begin_accounts(rel, population, NULL);
	List	   *roles = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;

		roles = lappend_oid(roles, DatumGetObjectId(heap_getattr(tuple, Anum_account_role,
																 RelationGetDescr(rel), &isnull)));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return roles;
}

/* Does the role still exist?  The account of a dropped one is closed. */
bool
ledger_role_is_live(Oid role)
{
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role));
}

#if PG_VERSION_NUM >= 160000

/* Adds the roles that a role was granted with INHERIT or SET to a list. */
static List *
add_granted(List *roles, Oid member)
{
	CatCList   *grants = SearchSysCacheList1(AUTHMEMMEMROLE, ObjectIdGetDatum(member));

	for (int i = 0; i < grants->n_members; i++)
	{
		Form_pg_auth_members grant =
			(Form_pg_auth_members) GETSTRUCT(&grants->members[i]->tuple);

		if (grant->inherit_option || grant->set_option)
			roles = list_append_unique_oid(roles, grant->roleid);
	}
	ReleaseCatCacheList(grants);
	return roles;
}

/* Does a role reach another one by grants with INHERIT or SET? */
static bool
acts_by_grants(Oid member, Oid role)
{
	List	   *reached = list_make1_oid(member);
	bool		result;
	ListCell   *lc;

	foreach(lc, reached)
		reached = add_granted(reached, lfirst_oid(lc));
	result = list_member_oid(reached, role);
	list_free(reached);
	return result;
}

#else							/* up to PostgreSQL 15 every member may SET ROLE */

static bool
acts_by_grants(Oid member, Oid role)
{
	return true;
}

#endif

/*
 * May a role act as another one: is it the same, or a member at any depth that inherits its rights
 * or may SET ROLE to it?  Being a superuser makes nobody a member here.  From PostgreSQL 16 on a
 * membership may have neither: who has made a role has ADMIN on it alone.  The database's owner is
 * a member of pg_database_owner, whom no catalog names.
 */
bool
ledger_acts_as(Oid member, Oid role)
{
	if (!is_member_of_role_nosuper(member, role))
		return false;
	return role == ROLE_PG_DATABASE_OWNER || acts_by_grants(member, role);
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
	List	   *roles;
	ListCell   *lc;
	bool		found = false;

	if (!OidIsValid(ledger_table("account")))
		return false;
	roles = account_roles(population);
	foreach(lc, roles)
	{
		Oid			role = lfirst_oid(lc);

		if (ledger_role_is_live(role) &&
			(ledger_acts_as(GetSessionUserId(), role) || ledger_acts_as(GetUserId(), role)))
		{
			found = true;
			break;
		}
	}
	list_free(roles);
	return found;
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
