/*
 * needs.c
 *		What a release's query rests on, and what it reads.
 */
#include "postgres.h"

#include "spec/needs.h"

/* The columns of a relation in such a list, by attribute number; NULL if there are none. */
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
