/*
 * feature_steps.c
 *		The features and coordinates of a release in brief.
 */
#include "postgres.h"

#include "nodes/bound/feature_steps.h"
#include "spec/spec.h"

/* What a feature reads of a row. */
static void
compile_feature(FeatureSteps *steps, const ReleaseSpec *spec, int f)
{
	SpecFeatureKind kind = spec->features[f].kind;
	const SpecSet *set = &spec->sets[spec->features[f].set];
	bool		has_x = set->x != DP_NONE;
	bool		has_y = set->y != DP_NONE;

	steps->features[f].kind = kind;
	steps->features[f].mask = set->every_row ? 0 :
		(has_x ? ARGUMENT_BIT(set->x) : 0) | (has_y ? ARGUMENT_BIT(set->y) : 0);
	steps->features[f].x = has_x ? set->x : 0;
	steps->features[f].y = has_y ? set->y : 0;
}

/* Lists the features and the coordinates that are made from them. */
void
feature_steps_compile(FeatureSteps *steps, const ReleaseSpec *spec)
{
	steps->nfeatures = spec->nfeatures;
	for (int f = 0; f < spec->nfeatures; f++)
		compile_feature(steps, spec, f);
	steps->ncoordinates = 0;
	for (int i = 1; i < spec->dimensions; i++)
	{
		int			f = spec->coordinates[i].feature;

		if (f == DP_NONE)
			continue;
		steps->coordinates[steps->ncoordinates].coordinate = i;
		steps->coordinates[steps->ncoordinates].feature = f;
		steps->coordinates[steps->ncoordinates].ones = spec->features[f].ones;
		steps->ncoordinates++;
	}
	if (steps->ncoordinates == 0 && !spec->by_total)
		steps->nfeatures = 0;	/* individuals are counted without */
}
