/*
 * admin.c
 *		Who administers a population: its tables, its accounts, its part of the ledger.
 *
 * Superusers and the owner of the extension administer all of them.  Other roles are listed in
 * dp_agg.administrator, which nobody else may write.  Who may execute dp_agg.protect() and owns
 * a table founds a population by protecting it under a name of which there is no trace, and is its
 * first administrator.  Whose table it is otherwise has to be asked in: rows that somebody
 * invented would count as individuals beside real ones, and could fill up a group of one.
 *
 * A role in the list has the rights on tables that it has anyway.  What it may do beyond that
 * is done for it by functions of the install script (owner_call.c).
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "policy/admin.h"
#include "policy/citus.h"
#include "policy/extension.h"
#include "policy/owner_call.h"

PG_FUNCTION_INFO_V1(dp_may_protect);
PG_FUNCTION_INFO_V1(dp_set_budget);
PG_FUNCTION_INFO_V1(dp_drop_budget);
PG_FUNCTION_INFO_V1(dp_set_population_cap);
PG_FUNCTION_INFO_V1(dp_drop_population_cap);
PG_FUNCTION_INFO_V1(dp_set_reuse);
PG_FUNCTION_INFO_V1(dp_refresh);
PG_FUNCTION_INFO_V1(dp_warn_of_readers);
PG_FUNCTION_INFO_V1(dp_grant_admin);
PG_FUNCTION_INFO_V1(dp_revoke_admin);

/* A table of the extension; InvalidOid if it is not there. */
static Oid
own_table(const char *name)
{
	Oid			schema = get_namespace_oid("dp_agg", true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

/* May the current user protect relations at all? */
bool
admin_may_protect(void)
{
	return superuser() || extension_role_may(DP_FUNC_PROTECT, GetUserId());
}

/* dp_agg.may_protect() returns boolean */
PGDLLEXPORT Datum
dp_may_protect(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(admin_may_protect());
}

/* Does the current user administer all populations? */
static bool
administers_all(void)
{
	return superuser() || has_privs_of_role(GetUserId(), extension_owner(DP_FUNC_ADMINISTERS));
}

/* Does the current user administer this population? */
static bool
administers(Datum population)
{
	Datum		args[2] = {ObjectIdGetDatum(GetUserId()), population};

	return administers_all() ||
		DatumGetBool(owner_call(DP_FUNC_ADMINISTERS, 2, args, NULL));
}

/* May the current user write the table of accounts itself, as a role that was granted that may? */
static bool
writes_accounts(void)
{
	const AclMode mask = ACL_INSERT | ACL_UPDATE | ACL_DELETE;

	return pg_class_aclmask(own_table("account"), GetUserId(), mask, ACLMASK_ALL) == mask;
}

/* Raises ERRCODE_INSUFFICIENT_PRIVILEGE about a population. */
static void
deny(const char *population, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for population \"%s\"", population),
			 errhint("%s", hint)));
}

/* Raises an error unless this is the place, and the current user may change accounts on the population.  NULL is for others to refuse. */
static void
check_accounts(const NullableDatum *population)
{
	citus_check_coordinator();
	if (!population->isnull && !writes_accounts() && !administers(population->value))
		deny(NameStr(*DatumGetName(population->value)),
			 "Budgets are given by its administrators; see dp_agg.grant_admin().");
}

/*
 * admin_enter_population
 *		The current user labels a relation with a population: may it, and does that found it?
 *
 * before is the population that the relation is in, or NULL.  Until the transaction ends, nobody
 * founds a population of that name, so that of two who do the same at a time one is the
 * second.  Errors: 42501.
 */
void
admin_enter_population(const char *population, const char *before)
{
	Oid			table = own_table("administrator");
	NameData	name;
	Datum		args[2] = {ObjectIdGetDatum(GetUserId()), NameGetDatum(&name)};

	if (!OidIsValid(table) || (before != NULL && strcmp(population, before) == 0))
		return;
	namestrcpy(&name, population);
	if (administers(args[1]))
	{
		LockRelationOid(table, RowExclusiveLock);
		return;
	}
	LockRelationOid(table, ShareRowExclusiveLock);
	if (DatumGetBool(owner_call(DP_FUNC_POPULATION_KNOWN, 2, args, NULL)))
		deny(population, "It is in use already. An administrator of it, or the owner of the extension, can let you in: see dp_agg.grant_admin().");
	(void) owner_call(DP_FUNC_POPULATION_FOUND, 2, args, NULL);
}

/* Calls a function of the install script with the same arguments, by the right of its owner. */
static Datum
pass_on(FunctionCallInfo fcinfo, DpFunction function)
{
	Datum		args[FUNC_MAX_ARGS];
	bool		nulls[FUNC_MAX_ARGS];

	for (int i = 0; i < PG_NARGS(); i++)
	{
		args[i] = fcinfo->args[i].value;
		nulls[i] = fcinfo->args[i].isnull;
	}
	(void) owner_call(function, PG_NARGS(), args, nulls);
	PG_RETURN_VOID();
}

/* An administrator decides what may be spent, not what has been. */
static void
check_forget(const NullableDatum *forget)
{
	if (!forget->isnull && DatumGetBool(forget->value) && !writes_accounts() && !administers_all())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to forget what was spent"),
				 errhint("Only the owner of the extension and superusers say forget => true. A higher epsilon lets the role spend more.")));
}

/* dp_agg.set_budget(role, population, ..., forget): see the install script */
PGDLLEXPORT Datum
dp_set_budget(PG_FUNCTION_ARGS)
{
	check_accounts(&fcinfo->args[1]);
	check_forget(&fcinfo->args[PG_NARGS() - 1]);
	return pass_on(fcinfo, DP_FUNC_ACCOUNT_SET);
}

/* dp_agg.drop_budget(role, population) */
PGDLLEXPORT Datum
dp_drop_budget(PG_FUNCTION_ARGS)
{
	check_accounts(&fcinfo->args[1]);
	return pass_on(fcinfo, DP_FUNC_ACCOUNT_DROP);
}

/* dp_agg.set_population_cap(population, ..., forget): see the install script */
PGDLLEXPORT Datum
dp_set_population_cap(PG_FUNCTION_ARGS)
{
	check_accounts(&fcinfo->args[0]);
	check_forget(&fcinfo->args[PG_NARGS() - 1]);
	return pass_on(fcinfo, DP_FUNC_CAP_SET);
}

/* dp_agg.drop_population_cap(population) */
PGDLLEXPORT Datum
dp_drop_population_cap(PG_FUNCTION_ARGS)
{
	check_accounts(&fcinfo->args[0]);
	return pass_on(fcinfo, DP_FUNC_CAP_DROP);
}

/* Raises an error unless this is the place, and the current user may say how old answers about the population may be. */
static void
check_reuse(const NullableDatum *population)
{
	citus_check_coordinator();
	if (!population->isnull && !administers(population->value))
		deny(NameStr(*DatumGetName(population->value)),
			 "Its administrators say how old answers may be; see dp_agg.grant_admin(). SET dp_agg.reuse = off draws anew, at a price.");
}

/* dp_agg.set_reuse(population, duration) */
PGDLLEXPORT Datum
dp_set_reuse(PG_FUNCTION_ARGS)
{
	check_reuse(&fcinfo->args[0]);
	return pass_on(fcinfo, DP_FUNC_REUSE_SET);
}

/* dp_agg.refresh(population) */
PGDLLEXPORT Datum
dp_refresh(PG_FUNCTION_ARGS)
{
	check_reuse(&fcinfo->args[0]);
	return pass_on(fcinfo, DP_FUNC_REUSE_REFRESH);
}

/* dp_agg.warn_of_readers(population, relation): who does not administer the population is not told. */
PGDLLEXPORT Datum
dp_warn_of_readers(PG_FUNCTION_ARGS)
{
	if (administers(PG_GETARG_DATUM(0)))
		return pass_on(fcinfo, DP_FUNC_READERS_WARN);
	PG_RETURN_VOID();
}

/*
 * Passes dp_agg.grant_admin(role, population) or revoke_admin() on, with a third argument: whether
 * rights to functions go along, which is not for administrators of one population to decide.
 */
static Datum
change_admin(FunctionCallInfo fcinfo, DpFunction function)
{
	bool		all = administers_all();
	Datum		args[3] = {fcinfo->args[0].value, fcinfo->args[1].value, BoolGetDatum(all)};
	bool		nulls[3] = {fcinfo->args[0].isnull, fcinfo->args[1].isnull, false};

	citus_check_coordinator();
	if (!all && nulls[1])
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to say who founds populations"),
				 errhint("That is for superusers and the owner of the extension. Name a population that you administer.")));
	if (!all && !administers(args[1]))
		deny(NameStr(*DatumGetName(args[1])), "Its administrators say who else is one.");
	(void) owner_call(function, 3, args, nulls);
	PG_RETURN_VOID();
}

/* dp_agg.grant_admin(role, population) */
PGDLLEXPORT Datum
dp_grant_admin(PG_FUNCTION_ARGS)
{
	return change_admin(fcinfo, DP_FUNC_ADMIN_ADD);
}

/* dp_agg.revoke_admin(role, population) */
PGDLLEXPORT Datum
dp_revoke_admin(PG_FUNCTION_ARGS)
{
	return change_admin(fcinfo, DP_FUNC_ADMIN_REMOVE);
}
