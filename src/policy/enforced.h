/*
 * enforced.h
 *		Declarations of tables that are believed, because they are enforced.
 */
#ifndef DP_ENFORCED_H
#define DP_ENFORCED_H

#include "postgres.h"

#include "access/attnum.h"
#include "access/htup.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "utils/snapshot.h"

extern bool policy_not_null(Oid relid, AttrNumber attno);
extern bool policy_still_not_null(Oid relid, List *attnos, Snapshot snapshot);
extern Oid	policy_unique_index(Oid relid, const Bitmapset *columns);
extern Oid	policy_unique_key(Oid relid, const Bitmapset *columns);
extern bool policy_still_unique(Oid indexid, Snapshot snapshot);
extern bool policy_row_is_proof(HeapTuple tuple, Snapshot snapshot);
extern bool policy_is_settled(Oid relid, Snapshot snapshot);

#endif							/* DP_ENFORCED_H */
