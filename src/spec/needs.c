/*
 * needs.c
 *		What a release's query rests on, and what it reads.
 */
#include "postgres.h"

#include "spec/needs.h"

/* The entry of a relation in a list of WideRelation, or NULL. */
WideRelation *
find_wide_relation(List *relations, Oid relid)
{
	ListCell   *lc;

	foreach(lc, relations)
	{
		WideRelation *relation = lfirst(lc);

		if (relation->relid == relid)
			return relation;
	}
	return NULL;
}
