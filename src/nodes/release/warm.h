/*
 * warm.h
 *		What a drain looks up in the catalogs is looked up before it.
 */
#ifndef DP_WARM_H
#define DP_WARM_H

#include "postgres.h"

#include "nodes/execnodes.h"

extern void warm_up(List *needs, EState *estate);

#endif							/* DP_WARM_H */
