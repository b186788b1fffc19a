/*
 * partial.h
 *		What the nodes have in common that add up rows and hand out partial states of groups.
 */
#ifndef DP_PARTIAL_H
#define DP_PARTIAL_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "utils/array.h"

#include "aggregate/contribution.h"
#include "aggregate/sketch_add.h"
#include "nodes/bound/groups.h"
#include "nodes/bound/keys.h"
#include "nodes/bound/rows.h"
#include "spec/spec.h"

/* Least memory for groups or individuals, whatever the settings say. */
#define PARTIAL_LEAST_MEMORY ((Size) 256 * 1024)

/* The first field of such a node's state. */
typedef struct PartialNode
{
	CustomScanState css;		/* must be first */
	MemoryContext context;		/* of all that lasts until the end */
	MemoryContext row_context;	/* reset after each row or individual */
	ArrayType  *params;			/* of this execution */
	Contributions *contributions;	/* the description under these parameters */
	const ReleaseSpec *spec;	/* in it */
	InputColumns columns;		/* of the child */
	KeyColumns	keys;			/* without a seed as yet */
	SketchReader *sketches;
	Groups		groups;			/* which the node opens by itself */
	bool		started;		/* rows of the child have been asked for */
	bool		emitting;		/* groups leave */
} PartialNode;

extern void partial_begin(PartialNode *node, EState *estate, int eflags);
extern bool partial_emit(PartialNode *node, uint32 end);
extern void partial_rescan(CustomScanState *node);
extern void partial_end(CustomScanState *node);

/* The node whose rows are read. */
static inline PlanState *
partial_child(const PartialNode *node)
{
	return linitial(node->css.custom_ps);
}

#endif							/* DP_PARTIAL_H */
