/*
 * cache.h
 *		What is protected, as cached per backend.
 */
#ifndef DP_POLICY_CACHE_H
#define DP_POLICY_CACHE_H

#include "postgres.h"

#include "policy/policy.h"

extern void policy_init_cache(void);
extern void policy_labels_counted(void);
extern const ProtectedRelation *policy_lookup(Oid relid);
extern const ProtectedRelation *policy_declared(Oid relid);
extern const RelationClasses *policy_classes(Oid relid);
extern const TierColumn *policy_class(Oid relid, AttrNumber attno);
extern bool policy_is_direct(Oid relid, AttrNumber attno);
extern bool policy_is_quasi(Oid relid, AttrNumber attno);
extern const ColumnBounds *policy_any_bounds(const ProtectedRelation *rel, AttrNumber attno);
extern const ColumnDomain *policy_any_domain(const ProtectedRelation *rel, AttrNumber attno);
extern const ColumnBounds *policy_bounds(const ProtectedRelation *rel, AttrNumber attno);
extern const ColumnBounds *policy_total(const ProtectedRelation *rel, AttrNumber attno);
extern const ColumnDomain *policy_domain(const ProtectedRelation *rel, AttrNumber attno);
extern const Interval *policy_grain(const ProtectedRelation *rel, AttrNumber attno);
extern double policy_length(const ProtectedRelation *rel, AttrNumber attno);
extern bool policy_column_open(const ProtectedRelation *rel, AttrNumber attno);
extern bool policy_is_unit(const ProtectedRelation *rel, AttrNumber attno);
extern bool policy_is_link(const ProtectedRelation *rel, AttrNumber attno);
extern AttrNumber policy_labelled_column(const ProtectedRelation *rel, Oid relid, AttrNumber attno);
extern bool policy_column_indexed(const ProtectedRelation *rel, AttrNumber attno);

#endif							/* DP_POLICY_CACHE_H */
