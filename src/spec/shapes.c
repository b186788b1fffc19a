/*
 * shapes.c
 *		Shapes of relations: what a plan takes for granted about their columns.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tupdesc.h"
#include "common/hashfn.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "core/errors.h"
#include "spec/shapes.h"

/*
 * The shape of a relation: a hash of its kind and of its columns' types.  A plan that was
 * made for another shape must not run.
 */
uint32
relation_shape(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	uint32		result = hash_combine(DP_HASH_ROW_TYPE(RelationGetDescr(relation)),
									  relation->rd_rel->relkind);

	table_close(relation, NoLock);
	return result;
}

/* Raises ERRCODE_DP_QUERY_REFUSED: a relation has changed since the plan was made. */
void
refuse_changed(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DP_QUERY_REFUSED),
			 errmsg("a table has changed since the query was planned"),
			 errhint("Run the query again.")));
}
