/*
 * family.h
 *		Classes of columns that a relation has from its parents and children.
 */
#ifndef DP_POLICY_FAMILY_H
#define DP_POLICY_FAMILY_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "policy/policy.h"

extern void family_init(void);
extern bool family_forget(Oid relid);
extern List *family_parents(Oid relid);
extern bool family_exists(Oid relid);
extern const TierColumn *find_column_class(const RelationClasses *classes, AttrNumber attno);
extern RelationClasses *family_classes(Oid relid, bool as_read);

#endif							/* DP_POLICY_FAMILY_H */
