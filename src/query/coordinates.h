/*
 * coordinates.h
 *		Sets of rows, features and coordinates of the vector of a release.
 */
#ifndef DP_COORDINATES_H
#define DP_COORDINATES_H

#include "postgres.h"

#include "query/builder.h"
#include "spec/spec.h"

extern int	find_set(ReleaseBuilder *builder, int x, int y, bool every_row);
extern int	find_feature(ReleaseBuilder *builder, SpecFeatureKind kind, int set);
extern int	look_up_coordinate(ReleaseBuilder *builder, const SpecCoordinate *wanted);
extern int	find_coordinate(ReleaseBuilder *builder, SpecCoordinate wanted);
extern int	feature_coordinate(ReleaseBuilder *builder, SpecFeatureKind kind, int set,
							   SpecImputation imputation, int copy);

#endif							/* DP_COORDINATES_H */
