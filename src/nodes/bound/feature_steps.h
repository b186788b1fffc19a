/*
 * feature_steps.h
 *		The features and coordinates of a release in brief: its description is too wide to
 *		walk through for each row.
 */
#ifndef DP_FEATURE_STEPS_H
#define DP_FEATURE_STEPS_H

#include "postgres.h"

#include "mechanism/noise.h"
#include "nodes/bound/records.h"
#include "spec/spec.h"

typedef struct FeatureSteps
{
	int			nfeatures;
	int			ncoordinates;
	struct
	{
		ArgumentSet mask;		/* arguments that must have a value */
		SpecFeatureKind kind;
		int			x;			/* arguments */
		int			y;
	}			features[DP_MAX_FEATURES];
	struct
	{
		int			coordinate;
		int			feature;
		int			ones;
	}			coordinates[DP_MAX_DIMENSIONS];
} FeatureSteps;

extern void feature_steps_compile(FeatureSteps *steps, const ReleaseSpec *spec);

#endif							/* DP_FEATURE_STEPS_H */
