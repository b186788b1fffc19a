/*
 * arguments.h
 *		Arguments of aggregates, with their types and bounds.
 */
#ifndef DP_ARGUMENTS_H
#define DP_ARGUMENTS_H

#include "postgres.h"

#include "core/refusals.h"
#include "query/builder.h"
#include "spec/spec.h"

/* The bounds of a sum over a whole release, by position, and whether the lower one is not below 0. */
typedef struct TotalBounds
{
	int			bound;
	bool		not_negative;
} TotalBounds;

extern int	find_param(ReleaseBuilder *builder, SpecParamKind kind, Node *node);
extern int	find_bounds(ReleaseBuilder *builder, SpecParamKind kind, Node *lower, Node *upper);
extern Node *written_number(ReleaseBuilder *builder, Node *expr, Refusal otherwise);
extern Node *written_bound(ReleaseBuilder *builder, Node *expr);
extern int	argument_bounds(ReleaseBuilder *builder, Aggref *aggref, Node *expr, int i);
extern int	combined_bounds(ReleaseBuilder *builder, const WantedOutput *wanted);
extern bool total_bounds(ReleaseBuilder *builder, Aggref *aggref, Node *expr, TotalBounds *result);
extern int32 type_precision(Node *expr);
extern SpecArgType number_type(ReleaseBuilder *builder, Node *expr);
extern Node *guard_argument(ReleaseBuilder *builder, Aggref *aggref, Node *expr);
extern bool never_null(ReleaseBuilder *builder, Aggref *aggref, Node *expr);
extern int	find_argument(ReleaseBuilder *builder, Node *expr, SpecArgType type, int bound);
extern int	total_argument(ReleaseBuilder *builder, Node *expr, SpecArgType type,
						   const TotalBounds *total);
extern Node *unit_value(ReleaseBuilder *builder, Node *expr);

#endif							/* DP_ARGUMENTS_H */
