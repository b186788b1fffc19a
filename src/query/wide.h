/*
 * wide.h
 *		Which columns a release reads for their values.
 */
#ifndef DP_WIDE_H
#define DP_WIDE_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

#include "spec/spec.h"

extern List *wide_columns(Query *release, const ReleaseSpec *spec);

#endif							/* DP_WIDE_H */
