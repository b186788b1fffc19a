/*
 * outlived.c
 *		Refusals of what was declared for a column before its type changed.
 *
 * They depend on labels and types, which are public, and never on rows.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/errors.h"
#include "policy/cache.h"
#include "policy/policy.h"
#include "query/outlived.h"

/* The first arguments of a function that declares something about a column, as SQL. */
static char *
column_arguments(Oid relid, AttrNumber attno)
{
	char	   *relation = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
													  get_rel_name(relid));

	return psprintf("%s, %s", quote_literal_cstr(relation),
					quote_literal_cstr(get_attname(relid, attno, false)));
}

/* The name of a type as labels have it, without the schema of those that are built in. */
static const char *
shown_type(const char *made_for)
{
	static const char built_in[] = "pg_catalog.";

	return strncmp(made_for, built_in, strlen(built_in)) == 0 ?
		made_for + strlen(built_in) : made_for;
}

/* Raises ERRCODE_DP_BOUNDS if the column has bounds that its type has outlived. */
void
refuse_outlived_bounds(Oid relid, AttrNumber attno)
{
	const ProtectedRelation *rel = policy_declared(relid);
	const ColumnBounds *bounds = rel != NULL ? policy_any_bounds(rel, attno) : NULL;

	if (bounds == NULL || bounds->outlived == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DP_BOUNDS),
			 errmsg("bounds of column \"%s\" were declared for type %s, but it is of type %s now",
					get_attname(relid, attno, false), shown_type(bounds->outlived),
					format_type_be(get_atttype(relid, attno))),
			 errhint("Give bounds, as in dp_median(%s, lower, upper), or ask the administrator to call dp_agg.set_bounds(%s, lower, upper) again.",
					 quote_identifier(get_attname(relid, attno, false)),
					 column_arguments(relid, attno))));
}

/* In ereport(): what to do about public keys that do not count. */
static int
hint_at_keys(Oid relid, AttrNumber attno)
{
	return errhint("Group by nullif(%s, NULL), for which no keys are listed, or ask the administrator to call dp_agg.set_domain(%s, keys) again.",
				   quote_identifier(get_attname(relid, attno, false)),
				   column_arguments(relid, attno));
}

/* Raises ERRCODE_DP_BOUNDS for public keys that were declared for a type of another kind. */
void
refuse_outlived_keys(Oid relid, AttrNumber attno, const char *made_for)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_BOUNDS),
			 errmsg("public keys of column \"%s\" were declared for type %s, but it is of type %s now",
					get_attname(relid, attno, false), shown_type(made_for),
					format_type_be(get_atttype(relid, attno))),
			 hint_at_keys(relid, attno)));
}

/* Raises ERRCODE_DP_BOUNDS for public keys that are no values of the column's type; why says which. */
void
refuse_unreadable_keys(Oid relid, AttrNumber attno, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_BOUNDS),
			 errmsg("public keys of column \"%s\" are not values of its type: %s",
					get_attname(relid, attno, false), why),
			 hint_at_keys(relid, attno)));
}
