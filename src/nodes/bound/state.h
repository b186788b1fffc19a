/*
 * state.h
 *		What the bounding node keeps in each process.
 */
#ifndef DP_BOUND_STATE_H
#define DP_BOUND_STATE_H

#include "postgres.h"

#include "nodes/bound/feature_steps.h"
#include "nodes/bound/group_ids.h"
#include "nodes/bound/groups.h"
#include "nodes/bound/individuals.h"
#include "nodes/bound/keys.h"
#include "nodes/bound/partial.h"
#include "nodes/bound/partitions.h"
#include "nodes/bound/records.h"

/* Rows whose groups are looked up in one go. */
#define DIVIDE_BATCH 16

typedef struct BoundState
{
	PartialNode partial;		/* must be first */
	KeyColumns	units;
	RecordLayout layout;
	FeatureSteps features;
	ItemsWeights weights;
	double		expected_rows;

	struct SharedBound *shared; /* NULL if the plan is not parallel */
	Partitions *partitions;
	int			npartitions;
	int			partition_bits; /* number of bits of a hash that choose it */
	uint32		next;			/* the next partition to be read, if not shared */

	bool		divided;		/* the first step is done */
	bool		without_id;		/* there was no memory for a group's id */
	bool		numbered;		/* groups have numbers in common */
	bool		summed;			/* all individuals are in the sums of these */
	int			partition;		/* the one that is being read, or -1 */
	uint32		pass;			/* number of the pass over it, of 2^pass_bits */
	int			pass_bits;
	Groups		ids;			/* groups that got ids, in records of this process */
	GroupIds   *ids_of;			/* each participant's */
	int			nparticipants;
	IndividualTable individuals;
	uint32		groups_before;	/* number of groups before this pass */
	Size		ids_memory;		/* bytes that each may take */
	Size		individuals_memory;
	Size		groups_memory;
	uint32		groups_end;		/* end of the numbered groups that leave here now */
	Record		records[DIVIDE_BATCH];	/* rows that wait for the ids of their groups */
	int			nrecords;
	Record		record;			/* work space */
} BoundState;

#endif							/* DP_BOUND_STATE_H */
