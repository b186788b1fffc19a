/*
 * coordinates.h
 *		The fewest coordinates that the outputs need.
 */
#ifndef DP_COORDINATES_H
#define DP_COORDINATES_H

#include "postgres.h"

#include "query/builder.h"

extern int	find_set(ReleaseBuilder *builder, int x, int y, bool every_row);
extern void assign_coordinates(ReleaseBuilder *builder);
extern void drop_rows_without_values(ReleaseBuilder *builder);

#endif							/* DP_COORDINATES_H */
