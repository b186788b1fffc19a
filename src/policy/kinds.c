/*
 * kinds.c
 *		Whether what was declared for a column still goes with its type.
 *
 * Labels hold bounds as numbers and public keys as texts, and both mean what the type
 * makes of them: 1700000000 is a second of an integer and half an hour of a timestamp.
 * So a label names the type that it was written for.  The number, or the text, means
 * the same in another type of the same kind, and in no other.
 *
 * Kinds are coarse on purpose: an integer that becomes a bigint, or an enum that is
 * replaced by another, keeps what was declared.  Whether each key is a value of the
 * new type is another question (policy_check_keys()).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "core/errors.h"
#include "policy/kinds.h"
#include "policy/policy.h"

#define BUILT_IN "pg_catalog."

PG_FUNCTION_INFO_V1(dp_same_kind);

/*
 * The kind of a type, by its qualified name.  Numbers mean the same in all types of
 * numbers, and texts in all types of texts but character(n), which adds blanks.  Types
 * of users that columns of releases may have are enums, whose values are texts.  Any
 * other type is a kind of its own: a timestamp with time zone is another moment than
 * the timestamp that it was made of.
 */
static const char *
kind_of_name(const char *name)
{
	static const char *const numbers[] = {"int2", "int4", "int8", "float4", "float8", "numeric"};
	static const char *const texts[] = {"text", "varchar", "name"};
	const char *bare = name + strlen(BUILT_IN);

	if (strncmp(name, BUILT_IN, strlen(BUILT_IN)) != 0)
		return "text";
	for (int i = 0; i < (int) lengthof(numbers); i++)
	{
		if (strcmp(bare, numbers[i]) == 0)
			return "number";
	}
	for (int i = 0; i < (int) lengthof(texts); i++)
	{
		if (strcmp(bare, texts[i]) == 0)
			return "text";
	}
	return name;
}

/* The name of a type as labels have it: its schema, a point and its name; NULL if there is none. */
static char *
label_name_of_type(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_type form;
	char	   *schema;
	char	   *name = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_type) GETSTRUCT(tuple);
	schema = get_namespace_name(form->typnamespace);
	if (schema != NULL)
		name = psprintf("%s.%s", schema, NameStr(form->typname));
	ReleaseSysCache(tuple);
	return name;
}

/*
 * Does what was declared for the type of that name keep its meaning in another type, or in
 * a domain over it?  made_for NULL: the label does not say, which counts as yes.
 */
bool
policy_same_kind(const char *made_for, Oid type)
{
	char	   *name;

	if (made_for == NULL)
		return true;
	name = label_name_of_type(getBaseType(type));
	return name != NULL && strcmp(kind_of_name(made_for), kind_of_name(name)) == 0;
}

/* Orders values by the comparison of their type. */
static int
compare_values(const void *a, const void *b, void *type)
{
	TypeCacheEntry *entry = type;

	return DatumGetInt32(FunctionCall2Coll(&entry->cmp_proc_finfo, C_COLLATION_OID,
										   *(const Datum *) a, *(const Datum *) b));
}

/*
 * May a column of this type, which is no domain, have public keys?  To read a value of any other
 * type may run functions of users, as a CHECK of a domain in a composite type does.
 */
static bool
is_listed_type(Oid type)
{
	return type < FirstNormalObjectId || get_typtype(type) == TYPTYPE_ENUM;
}

/*
 * Checks that keys are different values of a type (of a column's base type, with its
 * typmod).  Raises ERRCODE_DP_BOUNDS for a key that its length or precision would change or
 * for two that are equal, and what the type's input function raises for any other text.
 */
void
policy_check_keys(char **keys, int nkeys, Oid type, int32 typmod)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_CMP_PROC_FINFO);
	Datum	   *values = palloc(nkeys * sizeof(Datum));
	Oid			input;
	Oid			param;

	if (!is_listed_type(type))
		ereport(ERROR,
				(errcode(ERRCODE_DP_BOUNDS),
				 errmsg("values of such a type are not listed")));
	getTypeInputInfo(type, &input, &param);
	for (int i = 0; i < nkeys; i++)
	{
		values[i] = OidInputFunctionCall(input, keys[i], param, -1);
		if (typmod >= 0 && OidIsValid(entry->cmp_proc))
		{
			Datum		stored = OidInputFunctionCall(input, keys[i], param, typmod);

			if (compare_values(&values[i], &stored, entry) != 0)
				ereport(ERROR,
						(errcode(ERRCODE_DP_BOUNDS),
						 errmsg("key \"%s\" is longer or finer than values of the column", keys[i])));
		}
	}
	if (!OidIsValid(entry->cmp_proc))
		return;
	qsort_arg(values, nkeys, sizeof(Datum), compare_values, entry);
	for (int i = 1; i < nkeys; i++)
	{
		if (compare_values(&values[i - 1], &values[i], entry) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DP_BOUNDS),
					 errmsg("two of the keys are the same value")));
	}
}

/*
 * same_kind(made_for text, type oid) returns boolean
 *
 * policy_same_kind(), for tests: dp_agg.same_kind() is the same in SQL, for who asks without
 * the library.
 */
PGDLLEXPORT Datum
dp_same_kind(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(policy_same_kind(PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0)),
									PG_GETARG_OID(1)));
}
