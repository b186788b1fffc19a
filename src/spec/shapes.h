/*
 * shapes.h
 *		Shapes of relations: what a plan takes for granted about their columns.
 */
#ifndef DP_SHAPES_H
#define DP_SHAPES_H

#include "postgres.h"

extern uint32 relation_shape(Oid relid);
extern void refuse_changed(void) pg_attribute_noreturn();

#endif							/* DP_SHAPES_H */
