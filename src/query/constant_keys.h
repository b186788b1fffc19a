/*
 * constant_keys.h
 *		Keys of GROUP BY that are the same in every row.
 */
#ifndef DP_CONSTANT_KEYS_H
#define DP_CONSTANT_KEYS_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern void drop_constant_keys(Query *query);

#endif							/* DP_CONSTANT_KEYS_H */
