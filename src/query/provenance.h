/*
 * provenance.h
 *		Whose rows does a join produce?
 */
#ifndef DP_PROVENANCE_H
#define DP_PROVENANCE_H

#include "postgres.h"

#include "query/level.h"

extern void tie_inputs(RewriteContext *context, Level *level, Individuals *result);

#endif							/* DP_PROVENANCE_H */
