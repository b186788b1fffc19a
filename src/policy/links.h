/*
 * links.h
 *		Relations whose rows belong to the individual of a row of another one.
 */
#ifndef DP_LINKS_H
#define DP_LINKS_H

#include "postgres.h"

#include "access/attnum.h"
#include "utils/snapshot.h"

#include "policy/policy.h"

/* A link as it holds now; its columns in the order of those of the parent. */
typedef struct ResolvedLink
{
	Oid			parent;
	int			ncolumns;
	AttrNumber	key[DP_MAX_UNIT_COLUMNS];	/* columns of the parent, rising */
	AttrNumber	link[DP_MAX_UNIT_COLUMNS];	/* those of the linked relation that are equal to
											 * them */
	Oid			index;			/* shows that the key is unique */
} ResolvedLink;

extern Oid	policy_parent(const ProtectedRelation *rel);
extern const char *policy_resolve_link(const ProtectedRelation *rel, ResolvedLink *link);
extern Oid	policy_link_equality(Oid key, Oid link);
extern Oid	policy_foreign_key(Oid relid, const ResolvedLink *link);
extern bool policy_still_references(Oid constraint, Snapshot snapshot);

#endif							/* DP_LINKS_H */
