/*
 * coordinates.c
 *		Which sets of rows, features and coordinates the vector of a release has.
 *
 * All outputs of the vector share one joint draw of noise, whose variance
 * grows with the number of coordinates, so what counts is how few are needed:
 * equal sets of rows share their count, and a set that has every row shares the
 * count of rows, which is the number of individuals, coordinate 0, where the
 * unit is unique.
 */
#include "postgres.h"

#include "core/refusals.h"
#include "mechanism/noise.h"
#include "query/builder.h"
#include "query/coordinates.h"
#include "query/refuse.h"
#include "spec/spec.h"

/*
 * Position of the set of rows in which arguments x and y (or DP_NONE) have a value, found or
 * added; every_row: all rows are in it.  Raises ERRCODE_DP_QUERY_REFUSED if there are too many.
 */
int
find_set(ReleaseBuilder *builder, int x, int y, bool every_row)
{
	ReleaseSpec *spec = &builder->spec;

	for (int i = 0; i < spec->nsets; i++)
	{
		if (spec->sets[i].x == x && spec->sets[i].y == y)
			return i;
	}
	if (spec->nsets >= DP_MAX_SETS)
		refuse_limit(DP_MAX_SETS, "different arguments and filters", builder->context,
					 builder->level->query);
	spec->sets[spec->nsets] = (SpecSet) {.x = x,.y = y,.every_row = every_row};
	return spec->nsets++;
}

/*
 * Position of what is added up over the rows of a set, found or added; the feature that counts
 * these rows is there from then on, too.  Raises ERRCODE_DP_QUERY_REFUSED if there are too many.
 */
int
find_feature(ReleaseBuilder *builder, SpecFeatureKind kind, int set)
{
	ReleaseSpec *spec = &builder->spec;
	int			ones = DP_NONE;

	for (int i = 0; i < spec->nfeatures; i++)
	{
		if (spec->features[i].kind == kind && spec->features[i].set == set)
			return i;
	}
	if (kind != SPEC_FEATURE_ONE)
		ones = find_feature(builder, SPEC_FEATURE_ONE, set);
	if (spec->nfeatures >= DP_MAX_FEATURES)
		refuse_limit(DP_MAX_FEATURES, "sums of rows", builder->context,
					 builder->level->query);
	spec->features[spec->nfeatures] = (SpecFeature) {.kind = kind,.set = set,
		.ones = ones == DP_NONE ? spec->nfeatures : ones};
	return spec->nfeatures++;
}

/* Position of a coordinate, or DP_NONE if there is none like it yet. */
int
look_up_coordinate(ReleaseBuilder *builder, const SpecCoordinate *wanted)
{
	for (int i = 1; i < builder->spec.dimensions; i++)
	{
		const SpecCoordinate *coordinate = &builder->spec.coordinates[i];

		if (coordinate->feature == wanted->feature && coordinate->sketch == wanted->sketch &&
			coordinate->imputation == wanted->imputation &&
			coordinate->presence == wanted->presence &&
			coordinate->clipped == wanted->clipped && coordinate->copy == wanted->copy)
			return i;
	}
	return DP_NONE;
}

/*
 * Position of a coordinate, found or added.  Raises ERRCODE_DP_QUERY_REFUSED if there are too
 * many.
 */
int
find_coordinate(ReleaseBuilder *builder, SpecCoordinate wanted)
{
	ReleaseSpec *spec = &builder->spec;
	int			i = look_up_coordinate(builder, &wanted);

	if (i != DP_NONE)
		return i;
	if (spec->dimensions >= DP_MAX_DIMENSIONS)
		refuse_limit(DP_MAX_DIMENSIONS - 1, "coordinates, which sums, counts and the like are made of", builder->context,
					 builder->level->query);
	spec->coordinates[spec->dimensions] = wanted;
	return spec->dimensions++;
}

/*
 * Position of the coordinate that has the sum of a feature over a set.  imputation: what stands
 * for missing values; copy: 0, or 1 for a second draw of the same.
 */
int
feature_coordinate(ReleaseBuilder *builder, SpecFeatureKind kind, int set,
				   SpecImputation imputation, int copy)
{
	return find_coordinate(builder, (SpecCoordinate) {
		.feature = find_feature(builder, kind, set),.sketch = DP_NONE,
		.imputation = imputation,.copy = copy});
}
