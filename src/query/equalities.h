/*
 * equalities.h
 *		Equalities that conditions state, and what they tie.
 */
#ifndef DP_EQUALITIES_H
#define DP_EQUALITIES_H

#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

/*
 * One "a = b" of a condition.  An ON clause of an outer join says nothing about
 * its strong side; "resolves" then names the inputs it may speak about.
 */
typedef struct Equality
{
	Node	   *left;
	Node	   *right;
	Bitmapset  *resolves;		/* NULL: any */
} Equality;

extern Oid	equality_family(Oid type);
extern bool is_own_equality(Oid opno, Node *node);
extern Node *strip_relabel(Node *node);
extern Node *strip_injective(Node *node);
extern List *equalities_of(Node *quals);
extern bool equalities_tie(List *equalities, List *left, List *right);

#endif							/* DP_EQUALITIES_H */
