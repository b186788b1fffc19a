/*
 * shapes.h
 *		Shapes of relations: what a plan takes for granted about their columns.
 */
#ifndef DP_SHAPES_H
#define DP_SHAPES_H

#include "postgres.h"

#include "core/compat.h"

extern uint32 relation_shape(Oid relid);
DP_NORETURN extern void refuse_changed(void);

#endif							/* DP_SHAPES_H */
