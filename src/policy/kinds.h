/*
 * kinds.h
 *		Whether what was declared for a column still goes with its type.
 */
#ifndef DP_POLICY_KINDS_H
#define DP_POLICY_KINDS_H

#include "postgres.h"

#include "policy/policy.h"

/* Room for the name of a type, with its schema, a point and the final zero. */
#define DP_TYPE_NAME_BYTES (2 * NAMEDATALEN + 1)

extern bool policy_same_kind(const char *made_for, Oid type);
extern void policy_check_keys(char **keys, int nkeys, Oid type, int32 typmod);

#endif							/* DP_POLICY_KINDS_H */
