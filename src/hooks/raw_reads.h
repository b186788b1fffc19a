/*
 * raw_reads.h
 *		Raw rows of classified relations are logged before they are read.
 */
#ifndef DP_RAW_READS_H
#define DP_RAW_READS_H

#include "postgres.h"

#include "executor/execdesc.h"
#include "nodes/bitmapset.h"

extern bool plan_reads_classified(QueryDesc *queryDesc, int eflags);
extern void record_plan_reads(QueryDesc *queryDesc, Bitmapset *scanned, List *releases);
extern void record_relation_read(Oid relid, Bitmapset *columns, const char *query_text);

#endif							/* DP_RAW_READS_H */
