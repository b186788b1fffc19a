/*
 * owner_call.c
 *		Calls functions of the install script by the right of the extension's owner.
 *
 * Who may change a relation may have its facade follow, and who administers a population may
 * change its accounts; neither has rights on what has to be written for that.  SECURITY DEFINER
 * would not do: such a function cannot know who has called it, and may be called with any
 * arguments.  So the C function that a role calls judges its right, and then calls another,
 * which nobody but the owner may execute, in a security-restricted operation.  That one touches
 * objects of the extension and catalogs; it reads no table of the caller's and runs none of the
 * caller's functions.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "policy/citus.h"
#include "policy/owner_call.h"

#define MAX_ARGS 12

/* The role for which a call is under way, and the one by whose right; InvalidOid if none is. */
static Oid	called_for = InvalidOid;
static Oid	called_as = InvalidOid;

/* The role that owns a function. */
static Oid
function_owner(Oid funcid)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", funcid);
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* The role that owns a function of ours, and so the extension. */
Oid
extension_owner(DpFunction function)
{
	return function_owner(extension_oid(function, InvalidOid));
}

/*
 * By whose right a function of the install script does its work: that of its owner, or, if
 * the owner is no superuser, of a superuser who has called for it.
 */
static Oid
acting_role(Oid funcid)
{
	Oid			owner = function_owner(funcid);

	return !superuser_arg(owner) && superuser() ? GetUserId() : owner;
}

/*
 * owner_call
 *		Calls a function of the install script, which has one form, by the right of its owner.
 *
 * nulls may be NULL: no argument is; at most 12 are passed.  The result must not be NULL.  A
 * STABLE function sees what is committed now, in whatever transaction.  What the function
 * creates becomes no member of an extension whose script is running.  Errors are those of the
 * function, and DP004 where the extension is of a version that this library does not know.
 */
Datum
owner_call(DpFunction function, int nargs, const Datum *args, const bool *nulls)
{
	Oid			funcid;
	bool		creating = creating_extension;
	Oid			outer_for = called_for;
	Oid			outer_as = called_as;
	int			level = -1;

	LOCAL_FCINFO(fcinfo, MAX_ARGS);
	FmgrInfo	flinfo;
	Oid			user;
	int			context;
	Datum		result;

	if (nargs > MAX_ARGS)
		elog(ERROR, "too many arguments");
	extension_check_version();
	funcid = extension_oid(function, InvalidOid);
	fmgr_info(funcid, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, nargs, InvalidOid, NULL, NULL);
	for (int i = 0; i < nargs; i++)
	{
		fcinfo->args[i].value = args[i];
		fcinfo->args[i].isnull = nulls != NULL && nulls[i];
	}
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	GetUserIdAndSecContext(&user, &context);
	PG_TRY();
	{
		creating_extension = false;
		called_for = user;
		called_as = acting_role(funcid);
		if (called_as != user)
			level = citus_keep_here();
		SetUserIdAndSecContext(called_as, context | SECURITY_LOCAL_USERID_CHANGE |
							   SECURITY_RESTRICTED_OPERATION);
		result = FunctionCallInvoke(fcinfo);
	}
	PG_FINALLY();
	{
		SetUserIdAndSecContext(user, context);
		called_for = outer_for;
		called_as = outer_as;
		creating_extension = creating;
	}
	PG_END_TRY();
	if (level != -1)
		AtEOXact_GUC(true, level);
	PopActiveSnapshot();
	return result;
}

/* For whom the current user is at work: the role that an owner_call() under way acts for, or itself. */
Oid
owner_call_for(void)
{
	return OidIsValid(called_for) && GetUserId() == called_as ? called_for : GetUserId();
}
