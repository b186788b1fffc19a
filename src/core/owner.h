/*
 * owner.h
 *		Who owns a relation.
 */
#ifndef DP_OWNER_H
#define DP_OWNER_H

#include "postgres.h"

extern Oid	relation_owner(Oid relid);

#endif							/* DP_OWNER_H */
