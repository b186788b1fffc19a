/*
 * moments.h
 *		The moments that outputs are functions of.
 */
#ifndef DP_MOMENTS_H
#define DP_MOMENTS_H

#include "postgres.h"

#include "query/builder.h"
#include "spec/spec.h"

extern void assign_coordinates(ReleaseBuilder *builder);

#endif							/* DP_MOMENTS_H */
