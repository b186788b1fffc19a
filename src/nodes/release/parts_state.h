/*
 * parts_state.h
 *		What the parts of a release keep, and what they have in common.
 */
#ifndef DP_PARTS_STATE_H
#define DP_PARTS_STATE_H

#include "postgres.h"

#include "utils/sortsupport.h"

#include "mechanism/choose.h"
#include "mechanism/sparse.h"
#include "mechanism/status.h"
#include "spec/canonical.h"
#include "spec/domain.h"
#include "spec/spec.h"

/* A category that was released with its noisy weight. */
typedef struct Category
{
	Datum		value;
	dp_int128	weight;			/* in DP_SCALE per individual */
} Category;

/* What one part released about the current group. */
typedef struct PartResult
{
	bool		passed;
	double	   *ranks;			/* by target of the part */
	Datum		mode;
	int			ncategories;
	Category   *categories;		/* most frequent first */
	dp_int128  *counts;			/* of buckets, in DP_SCALE per individual */
	int			lowest;			/* bins that passed */
	int			highest;
} PartResult;

/* How an output compares values, and how it shows them. */
typedef struct OrderedOutput
{
	SortSupportData order;
	Canonical	form;			/* with the decimals or blanks of the column's type */
} OrderedOutput;

/* What all groups of one execution share, and what the current one released. */
typedef struct PartsState
{
	const ReleaseSpec *spec;
	const ReleaseParams *params;
	Grid	   *grids;			/* by part; of sketches of cells */
	dp_int128  *thresholds;		/* by part, of those that need one */
	dp_histogram_gate *histogram_gates; /* by part, of histograms */
	PartResult *results;		/* by part */
	OrderedOutput *ordered;		/* by output, of those that put values in order */
	int			room;			/* of the work arrays, in cells */
	int64	   *weights;		/* zeros between groups */
	dp_choose_work work;
	dp_int128  *noisy;
} PartsState;

extern void parts_check(dp_status status);
extern int64 parts_individuals(const PartsState *state, double weight);
extern int64 parts_gate_delta(const PartsState *state, int part);
extern dp_choose_work parts_choose_work(int n);

#endif							/* DP_PARTS_STATE_H */
