/*
 * classes.c
 *		What dp_agg.classify() and the facade ask about labels and classes.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "commands/seclabel.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/compat.h"
#include "policy/citus.h"
#include "policy/cache.h"
#include "policy/label.h"
#include "tier/classes.h"

PG_FUNCTION_INFO_V1(dp_lock_label);
PG_FUNCTION_INFO_V1(dp_class_tier);
PG_FUNCTION_INFO_V1(dp_is_direct_identifier);

/* Takes the lock of SECURITY LABEL on a relation that the user owns, or raises an error. */
static void
lock_labels(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	if (relkind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (!DP_OWNS_RELATION(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(relkind), get_rel_name(relid));
	LockRelationOid(relid, ShareUpdateExclusiveLock);
}

/* Raises an error for a shard of Citus's: it has no labels of its own. */
static void
check_no_shard(Oid relid)
{
	Oid			whole = citus_shard_of(relid);

	if (OidIsValid(whole))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a shard of relation \"%s\" and is protected with it",
						get_rel_name(relid), get_rel_name(whole)),
				 errhint("Name the relation that is distributed: %s.",
						 quote_qualified_identifier(get_namespace_name(get_rel_namespace(whole)), get_rel_name(whole)))));
}

/*
 * dp_agg.lock_label(relation, column number): the label of a column as it is now, NULL if
 * there is none, locked against all others who would change labels of the relation until the
 * transaction ends.  The lock is that of SECURITY LABEL.  Only the owner gets it, so that
 * it is no way to keep others from a table.
 */
PGDLLEXPORT Datum
dp_lock_label(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	ObjectAddress address;
	char	   *label;

	citus_check_coordinator();
	check_no_shard(relid);
	lock_labels(relid);
	ObjectAddressSubSet(address, RelationRelationId, relid, PG_GETARG_INT16(1));
	label = GetSecurityLabel(&address, DP_PROVIDER);
	if (label == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(label));
}

/*
 * Reads class, processing, remaining and receiver_has_key; false if there is no such class or
 * processing.  NULLs as in labels: raw, not known, yes.
 */
static bool
column_of_arguments(FunctionCallInfo fcinfo, TierColumn *column)
{
	*column = (TierColumn) {.remaining = -1,.key_held = true};
	if (PG_ARGISNULL(0) ||
		!tier_class_of_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), &column->class))
		return false;
	if (!PG_ARGISNULL(1) &&
		!tier_processing_of_name(text_to_cstring(PG_GETARG_TEXT_PP(1)), &column->processing))
		return false;
	if (!PG_ARGISNULL(2))
		column->remaining = PG_GETARG_INT32(2);
	if (!PG_ARGISNULL(3))
		column->key_held = PG_GETARG_BOOL(3);
	return true;
}

/* dp_agg.class_tier(class, ...): the tier that raw rows of such a column have, as text. */
PGDLLEXPORT Datum
dp_class_tier(PG_FUNCTION_ARGS)
{
	TierColumn	column;

	if (!column_of_arguments(fcinfo, &column))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(tier_name(tier_of_code(tier_of_column(&column)))));
}

/* dp_agg.is_direct_identifier(relation, column number): may it be in no release and no facade? */
PGDLLEXPORT Datum
dp_is_direct_identifier(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(policy_is_direct(PG_GETARG_OID(0), PG_GETARG_INT16(1)));
}
