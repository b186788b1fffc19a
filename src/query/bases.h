/*
 * bases.h
 *		Which arguments of aggregates are made of others.
 */
#ifndef DP_BASES_H
#define DP_BASES_H

#include "postgres.h"

#include "query/builder.h"
#include "spec/spec.h"

/* What an aggregate needs of its argument. */
typedef enum ArgumentUse
{
	USE_SUM,					/* its sum */
	USE_MEAN,					/* its sum, and the number of its values */
	USE_SPREAD,					/* these, and the sum of its squares */
	USE_COUNT					/* the number of its values */
} ArgumentUse;

/* shift + sum of weight * base, which have values in the same rows; 1 .. DP_FORM_TERMS of them. */
typedef struct Combination
{
	double		shift;
	int			nparts;
	struct
	{
		Node	   *base;		/* a part of the query: copy it */
		double		weight;
	}			parts[DP_FORM_TERMS];
} Combination;

extern void note_argument(ReleaseBuilder *builder, Aggref *aggref, ArgumentUse use);
extern void choose_bases(ReleaseBuilder *builder);
extern const Combination *find_combination(ReleaseBuilder *builder, Aggref *aggref);

#endif							/* DP_BASES_H */
