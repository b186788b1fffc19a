/*
 * estimate.h
 *		What a release that has begun would tell, and how sharply, without running it.
 */
#ifndef DP_RELEASE_ESTIMATE_H
#define DP_RELEASE_ESTIMATE_H

#include "postgres.h"

#include "nodes/release/state.h"

/* What is expected of an output of a release. */
typedef struct OutputEstimate
{
	char	   *name;
	double		standard_error; /* in the unit of the output; NAN: it has none */
	int64		rank_error;		/* within so many individuals of its rank, with probability
								 * 0.95; -1: not known, or it has no rank */
	int64		smallest;		/* number of individuals from which it appears */
	bool		gaussian;		/* its noise is Gaussian */
	char	   *bounds;			/* what of the values counts; NULL: all of them */
	char	   *advice;			/* what would make it sharper; NULL: nothing is known */
} OutputEstimate;

/* What is expected of a release. */
typedef struct ReleaseEstimate
{
	char	   *name;			/* names of its outputs */
	char	   *grouping_set;	/* NULL: it has not several */
	char	   *population;
	int64		smallest;		/* number of individuals from which a group appears */
	char	   *limits;			/* what of an individual's rows counts, and why */
	char	   *advice;			/* what would make it sharper; NULL: nothing is known */
	int			noutputs;
	OutputEstimate *outputs;
} ReleaseEstimate;

extern ReleaseEstimate *estimate_release(ReleaseState *state, int64 individuals);

#endif							/* DP_RELEASE_ESTIMATE_H */
