/*
 * describe.c
 *		What the description of a release says beside its outputs: its identity, whose
 *		rows it reads, and what it rests on.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "core/refusals.h"
#include "query/builder.h"
#include "query/describe.h"
#include "query/identifiers.h"
#include "query/refuse.h"
#include "spec/spec.h"

/* What stands for names that do not fit, with the comma before it. */
#define MORE_NAMES ", ..."

/*
 * Appends a name to a list of names, for the ledger; false if it does not fit, and the list ends
 * with MORE_NAMES then.
 */
static bool
append_name(char *names, Size size, const char *name)
{
	Size		used = strlen(names);

	if (used + strlen(", ") + strlen(name) + sizeof(MORE_NAMES) > size)
	{
		strlcat(names, used > 0 ? MORE_NAMES : "...", size);
		return false;
	}
	snprintf(names + used, size - used, "%s%s", used > 0 ? ", " : "", name);
	return true;
}

/* Writes the outputs' names into one text, for the ledger; as many as fit. */
static void
name_outputs(ReleaseSpec *spec)
{
	for (int i = 0; i < spec->noutputs; i++)
	{
		if (!append_name(spec->output_names, sizeof(spec->output_names), spec->outputs[i].name))
			break;
	}
}

/*
 * Fills in what the description says beside outputs and coordinates, which are settled: a random
 * identity, the population, the numbers of keys and parameters, the relations by name (as many as
 * fit), which quasi-identifiers the keys are made of, and the unique indexes that all rests on.  Raises ERRCODE_DP_QUERY_REFUSED if these are
 * more than DP_MAX_PROOFS.
 */
void
describe_release(ReleaseBuilder *builder)
{
	ReleaseSpec *spec = &builder->spec;
	List	   *proofs;
	ListCell   *lc;

	if (!pg_strong_random(spec->id, sizeof(spec->id)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	spec->relid = builder->individuals->relation->relid;
	spec->population = builder->individuals->relation->population;
	spec->account_required = builder->context->analyst;
	spec->delta_asked = builder->asked[DP_PARAM_DELTA];
	spec->concentrated = builder->context->concentrated;
	spec->nparams = list_length(builder->params);
	spec->grouped = spec->nkeys > 0;
	name_outputs(spec);
	describe_quasi_keys(builder);
	/* of those below other releases of the statement, too: to check one more takes little */
	proofs = list_union_oid(builder->individuals->proofs, builder->context->proofs);
	if (list_length(proofs) > DP_MAX_PROOFS)
		refuse_query(REFUSE_TOO_LARGE, builder->context, builder->level->query);
	foreach(lc, proofs)
		spec->proofs[spec->nproofs++] = lfirst_oid(lc);
	foreach(lc, builder->context->references)
		spec->references[spec->nreferences++] = lfirst_oid(lc);
	foreach(lc, builder->individuals->relids)
	{
		Oid			relid = lfirst_oid(lc);
		char	   *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
													  get_rel_name(relid));

		if (!append_name(spec->relations, sizeof(spec->relations), name))
			break;
	}
}
