/*
 * state.h
 *		What the bounding node keeps, in each process and between them.
 */
#ifndef DP_BOUND_STATE_H
#define DP_BOUND_STATE_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "port/atomics.h"
#include "storage/barrier.h"
#include "storage/dsm.h"

#include "aggregate/contribution.h"
#include "aggregate/sketch_add.h"
#include "mechanism/noise.h"
#include "nodes/bound/group_ids.h"
#include "nodes/bound/groups.h"
#include "nodes/bound/individuals.h"
#include "nodes/bound/keys.h"
#include "nodes/bound/partitions.h"
#include "nodes/bound/records.h"
#include "spec/spec.h"

/* The phases of the barrier. */
enum
{
	PHASE_DIVIDE,
	PHASE_NUMBER,				/* one participant numbers the groups of all */
	PHASE_SUM,
	PHASE_LEAVE					/* if groups have numbers in common */
};

/* How a pass over a partition ended. */
typedef enum PassEnd
{
	PASS_DONE,
	PASS_WIDE,					/* it is to be done for fewer individuals */
	PASS_FULL,					/* it is to be done again when groups have left */
	PASS_NONE					/* there is none */
} PassEnd;

typedef struct SharedBound
{
	Barrier		barrier;
	pg_atomic_uint32 next;		/* partition that nobody has taken */
	int			participants;
	dsm_handle	segment;		/* that this lies in */
	uint64		secret;
	pg_atomic_uint32 without_id;	/* somebody has met groups that got no id */
	dsa_pointer numbers;		/* that groups have in common, if they do */
	pg_atomic_uint32 next_group;	/* that nobody has let leave */
	struct
	{
		dsa_pointer ids;		/* of its groups */
		dsa_pointer sums;		/* of all groups by number */
	}			of[FLEXIBLE_ARRAY_MEMBER];	/* each participant */
} SharedBound;

/*
 * Features and coordinates in brief: the description is too wide to walk through for each
 * row.
 */
typedef struct FeatureSteps
{
	int			nfeatures;
	int			ncoordinates;
	struct
	{
		uint32		mask;		/* of arguments that must have a value */
		SpecFeatureKind kind;
		int			x;			/* arguments */
		int			y;
	}			features[DP_MAX_FEATURES];
	struct
	{
		int			coordinate;
		int			feature;
		int			ones;
	}			coordinates[DP_MAX_DIMENSIONS];
} FeatureSteps;

typedef struct BoundState
{
	CustomScanState css;		/* must be first */
	MemoryContext context;		/* of all that lasts until the end */
	MemoryContext row_context;	/* reset after each row or individual */
	Contributions *contributions;
	const ReleaseSpec *spec;
	SketchReader *sketches;
	AttrNumber *columns;		/* of the child: keys, units, arguments, sketched values */
	int			last_column;
	int			nkeys;
	int			nunits;
	KeyColumns	keys;
	KeyColumns	units;
	RecordLayout layout;
	FeatureSteps features;
	ItemsWeights weights;
	double		expected_rows;

	SharedBound *shared;		/* NULL if the plan is not parallel */
	Partitions *partitions;
	int			npartitions;
	int			partition_bits; /* of the hash, which choose the partition */
	uint32		next;			/* partition, if not shared */

	bool		divided;		/* the first step is done */
	bool		without_id;		/* there was no memory for a group's id */
	bool		numbered;		/* groups have numbers in common */
	bool		summed;			/* so have all individuals in their sums */
	int			partition;		/* that is being read, or -1 */
	uint32		pass;			/* of 2^pass_bits over it */
	int			pass_bits;
	Groups		ids;			/* groups that got ids, in records of this process */
	GroupIds    *ids_of;		/* each participant's */
	int			nparticipants;
	Individuals		individuals;
	Groups		groups;
	uint32		groups_before;	/* this pass */
	Size		ids_memory;
	Size		individuals_memory;
	Size		groups_memory;
	uint32		groups_end;		/* of those with numbers in common that leave here now */
	bool		emitting;
	Record		record;			/* work space */
} BoundState;

/* sum.c */
extern PassEnd bound_do_pass(BoundState *state);
extern void bound_forget_groups(BoundState *state);

#endif							/* DP_BOUND_STATE_H */
