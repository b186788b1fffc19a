/*
 * citus.h
 *		How Citus spreads relations over machines, and what is for its coordinator alone.
 */
#ifndef DP_CITUS_H
#define DP_CITUS_H

#include "postgres.h"

#include "access/attnum.h"

/* What a relation is to Citus. */
typedef enum CitusKind
{
	CITUS_LOCAL,				/* no table of Citus: it lies on this machine alone */
	CITUS_MANAGED,				/* one shard, on the coordinator: a local table that Citus
								 * knows */
	CITUS_REFERENCE,			/* one shard, with a copy on every machine */
	CITUS_SINGLE,				/* one shard, on some machine (of a distributed schema) */
	CITUS_HASH,					/* shards by the hash of a column */
	CITUS_OTHER					/* shards by ranges, or by order of arrival */
} CitusKind;

typedef struct CitusTable
{
	CitusKind	kind;
	AttrNumber	column;			/* CITUS_HASH: that column, else 0 */
	int			colocation;		/* tables of the same number have equal values on the same
								 * machine; 0: none */
} CitusTable;

extern bool citus_present(void);
extern bool citus_is_worker(void);
extern CitusTable citus_table(Oid relid);
extern bool citus_divides(Oid relid, AttrNumber attno);
extern bool citus_is_shard_name(const char *name);
extern Oid	citus_shard_of(Oid relid);
extern int	citus_keep_here(void);
extern void citus_check_coordinator(void);

#endif							/* DP_CITUS_H */
