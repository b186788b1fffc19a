/*
 * reuse.h
 *		By what a release is known when it is asked for again.
 */
#ifndef DP_QUERY_REUSE_H
#define DP_QUERY_REUSE_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "query/builder.h"

extern void note_rows(ReleaseBuilder *builder);
extern List *describe_reuse(ReleaseBuilder *builder);

#endif							/* DP_QUERY_REUSE_H */
