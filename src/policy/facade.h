/*
 * facade.h
 *		The facade of a protected relation: a view that follows its table.
 */
#ifndef DP_FACADE_H
#define DP_FACADE_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern bool facade_follows(void);
extern List *facade_protected_relations(void);

#endif							/* DP_FACADE_H */
