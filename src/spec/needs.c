/*
 * needs.c
 *		What a release's query rests on, and what it reads.
 */
#include "postgres.h"

#include "spec/needs.h"

/*
 * The columns, by attribute number, that a list of WideRelation has for a relation; NULL
 * if the relation is not in the list.
 */
const Bitmapset *
wide_columns_of(List *relations, Oid relid)
{
	ListCell   *lc;

	foreach(lc, relations)
	{
		WideRelation *relation = lfirst(lc);

		if (relation->relid == relid)
			return relation->columns;
	}
	return NULL;
}
