/*
 * outputs.h
 *		Aggregates become outputs of a release.
 */
#ifndef DP_OUTPUTS_H
#define DP_OUTPUTS_H

#include "postgres.h"

#include "query/builder.h"
#include "spec/spec.h"

/* Which form of an aggregate is wanted: itself, or what stands around it. */
typedef struct OutputForm
{
	SpecEnd		end;			/* end of an interval around it */
	Node	   *level;			/* of that interval */
	bool		clipped;		/* the share of individuals that are clipped in it */
} OutputForm;

extern void note_aggregates(ReleaseBuilder *builder);
extern int	add_output(ReleaseBuilder *builder, Aggref *aggref, const OutputForm *form);

#endif							/* DP_OUTPUTS_H */
