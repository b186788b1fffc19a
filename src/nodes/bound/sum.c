/*
 * sum.c
 *		The bounding node's second step: individuals, and what they add to groups.
 *
 * A partition is read in one pass, or in several, each for some of its individuals; a
 * pass sums up the rows of each in the groups that count and then adds the bounded
 * contributions.  Nothing is added by a pass that is left early.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "aggregate/clip.h"
#include "aggregate/contribution.h"
#include "aggregate/sketch_add.h"
#include "aggregate/sketch_state.h"
#include "aggregate/sum.h"
#include "nodes/bound/feature_steps.h"
#include "nodes/bound/group_ids.h"
#include "nodes/bound/groups.h"
#include "nodes/bound/individuals.h"
#include "nodes/bound/items.h"
#include "nodes/bound/keys.h"
#include "nodes/bound/partitions.h"
#include "nodes/bound/prefetch.h"
#include "nodes/bound/records.h"
#include "nodes/bound/shared.h"
#include "nodes/bound/state.h"
#include "nodes/bound/sum.h"
#include "spec/spec.h"

/*
 * A pass over at most this many individuals is not divided, however much memory they take: what
 * one of them takes is limited.
 */
#define FEW_INDIVIDUALS 16

/* Records, or individuals, that are added in one go. */
#define BATCH 64

/* A partition is read in at most 2^MOST_PASS_BITS passes. */
#define MOST_PASS_BITS 16

/*
 * The group of a record that was not met yet, which is added; PG_UINT32_MAX if it does not
 * count for the individual.  Groups that do not count are not kept, or one individual with
 * many would take all the memory.
 */
static uint32
new_group(BoundState *state, const Record *record, int participant, Individual *individual)
{
	BoundKey	key;
	uint32		group;

	if (record->id == RECORD_NO_ID)
		key = record->group;
	else
		group_ids_key(&state->ids_of[participant], record->id, &key);
	group = groups_lookup(&state->partial.groups, &key);
	if (group == PG_UINT32_MAX)
	{
		if (!individual_may_count(&state->individuals, individual, &state->partial.groups,
								  key.hash))
			return PG_UINT32_MAX;
		group = groups_add(&state->partial.groups, &key);
	}
	if (record->id != RECORD_NO_ID)
		state->ids_of[participant].groups[record->id] = group + 1;
	return group;
}

/* The same for any group; the participant is who has written the record. */
static inline uint32
group_of(BoundState *state, const Record *record, int participant, Individual *individual)
{
	uint32		group = PG_UINT32_MAX;

	if (state->partial.columns.nkeys == 0)
		return groups_find_only(&state->partial.groups);
	if (likely(record->id != RECORD_NO_ID))
		group = group_ids_group(&state->ids_of[participant], record->id);
	return likely(group != PG_UINT32_MAX) ? group :
		new_group(state, record, participant, individual);
}

/* Adds a record's features to the sums of its individual and group. */
static inline void
add_features(const FeatureSteps *steps, const Record *record, int64 *sums)
{
	for (int f = 0; f < steps->nfeatures; f++)
	{
		if ((record->present & steps->features[f].mask) == steps->features[f].mask)
			sums[f] += feature_of(steps->features[f].kind,
								  record->values[steps->features[f].x],
								  record->values[steps->features[f].y]);
	}
}

static inline void
add_record(BoundState *state, const Record *record, int participant)
{
	const ReleaseSpec *spec = state->partial.spec;
	Individual *individual = individuals_find(&state->individuals, &record->unit);
	uint32		group = group_of(state, record, participant, individual);
	IndividualGroup *entry;

	if (group == PG_UINT32_MAX)
		return;
	entry = individual_group(&state->individuals, individual, &state->partial.groups, group);
	if (entry == NULL)
		return;
	add_features(&state->features, record, entry->sums);
	for (int i = 0; i < spec->nsketches; i++)
	{
		if (record->has_item[i])
			items_add(&state->partial.sketches[i],
					  &individual_items(&state->individuals, entry)[i],
					  &record->items[i], state->individuals.context);
	}
}

/* Is the record one of an individual of this pass? */
static inline bool
in_pass(const BoundState *state, uint64 hash)
{
	return hash << state->partition_bits >> (64 - state->pass_bits) == state->pass;
}

/*
 * Hashes of the individuals of n records.  The individuals of a partition are more than the nearest
 * cache holds, so the memory that all records will need is prefetched.
 */
static inline void
prefetch_individuals(const BoundState *state, const char **records, int n, uint64 *hashes)
{
	const IndividualTable *individuals = &state->individuals;
	const RecordLayout *layout = &state->layout;

	for (int i = 0; i < n; i++)
	{
		hashes[i] = record_unit_hash(layout, records[i]);
		dp_prefetch(individuals_slot(individuals, hashes[i]));
	}
	for (int i = 0; i < n; i++)
	{
		uint32		number = individuals_slot(individuals, hashes[i])->number;

		if (number != 0)
			dp_prefetch(individuals_nth(individuals, number - 1));
		if (number != 0 && individuals->individual_size > PG_CACHE_LINE_SIZE / 2)
			dp_prefetch((char *) individuals_nth(individuals, number - 1) + PG_CACHE_LINE_SIZE / 2);
	}
}

/* Adds n records, at most BATCH. */
static void
add_batch(BoundState *state, const char **records, int n, int participant)
{
	Record	   *record = &state->record;
	uint64		hashes[BATCH];

	prefetch_individuals(state, records, n, hashes);
	for (int i = 0; i < n; i++)
	{
		if (state->individuals.single)
		{
			record_read_arguments(&state->layout, records[i], record);
			add_features(&state->features, record,
						 individuals_find_single(&state->individuals, hashes[i])->sums);
			continue;
		}
		record_read(&state->layout, records[i], record);
		add_record(state, record, participant);
	}
}

/* Adds the records of a block. */
static void
add_block(BoundState *state, const PartitionBlock *block)
{
	const char *records[BATCH];
	int			n = 0;

	for (uint32 offset = 0; offset < block->used;)
	{
		const char *bytes = block->data + offset;

		offset += (uint32) record_size(&state->layout, bytes);
		if (state->pass_bits == 0 || in_pass(state, record_unit_hash(&state->layout, bytes)))
			records[n++] = bytes;
		if (n == BATCH)
		{
			add_batch(state, records, n, block->participant);
			n = 0;
		}
	}
	add_batch(state, records, n, block->participant);
}

/*
 * Reads the partition for the individuals of this pass.  It is left early if they or their
 * groups take too much memory, and there is a remedy.
 */
static PassEnd
read_pass(BoundState *state)
{
	PartitionBlock *block;

	partitions_open(state->partitions, state->partition);
	while ((block = partitions_next(state->partitions)) != NULL)
	{
		bool		exceeded;

		CHECK_FOR_INTERRUPTS();
		add_block(state, block);
		exceeded = !state->numbered &&
			groups_memory(&state->partial.groups) > state->groups_memory;
		if (exceeded && state->groups_before > 0)
			return PASS_FULL;
		exceeded |= individuals_memory(&state->individuals) > state->individuals_memory;
		if (exceeded && state->individuals.n > FEW_INDIVIDUALS &&
			state->pass_bits < MOST_PASS_BITS)
			return PASS_WIDE;
	}
	return PASS_DONE;
}

/*
 * Adds what an individual's rows in a group hold for sketches.  share is what they weigh by total,
 * else NULL.
 */
static inline void
add_items(BoundState *state, IndividualGroup *entry, const SketchShare *share)
{
	const IndividualItems *items = individual_items(&state->individuals, entry);

	for (int i = 0; i < state->partial.spec->nsketches; i++)
	{
		BoundGroup *group = &state->partial.groups.items[entry->group];
		SketchState *all = group->sketches[i];

		if (!items_any(&items[i]) || items_gave_up(&items[i]))
			continue;
		if (all == NULL)
			all = sketch_first(&state->partial.sketches[i], SKETCH_INDIVIDUALS);
		all = items_contribute(&state->partial.sketches[i], state->weights, all, &items[i], share);
		(void) groups_keep_sketch(&group->sketches[i], all, state->partial.groups.context);
		MemoryContextReset(CurrentMemoryContext);
	}
}

/* Adds one individual to one of its groups. */
static void
add_contribution(BoundState *state, IndividualGroup *entry)
{
	const FeatureSteps *steps = &state->features;
	CollectSum *sums = groups_sums(&state->partial.groups, entry->group);

	sum_add(&sums[0], 1);
	for (int i = 0; i < steps->ncoordinates; i++)
	{
		int			coordinate = steps->coordinates[i].coordinate;

		sum_add(&sums[coordinate],
				contribution(state->partial.contributions, coordinate,
							 entry->sums[steps->coordinates[i].ones],
							 entry->sums[steps->coordinates[i].feature]));
	}
	add_items(state, entry, NULL);
}

/* Adds what a group's rows of an individual hold, whose groups cost so much in all. */
static void
add_clipped_items(BoundState *state, IndividualGroup *entry, int64 cost)
{
	int64		n = entry->sums[state->partial.spec->rows];
	SketchShare share =
		sketch_clipped_share(clip_weight(state->partial.contributions, n, cost), n);

	add_items(state, entry, &share);
}

/* Coordinates of an individual's groups that are kept until all of its groups are known. */
#define MOST_KEPT_COORDINATES DP_MAX_DIMENSIONS

/*
 * Adds one individual to all its groups, scaled if they cost more than one.  What it adds to each is
 * computed twice if it has many.
 */
static void
add_clipped(BoundState *state, const Individual *individual)
{
	const Contributions *contributions = state->partial.contributions;
	int			d = contributions->spec.dimensions;
	bool		keep = (uint64) individual->ngroups * d <= MOST_KEPT_COORDINATES;
	int64		kept[MOST_KEPT_COORDINATES];
	int64		cost = 0;

	for (uint32 g = 0; g < individual->ngroups; g++)
		cost += clip_group(contributions,
						   individual_nth_group(&state->individuals, individual, g)->sums,
						   keep ? &kept[g * d] : kept);
	for (uint32 g = 0; g < individual->ngroups; g++)
	{
		IndividualGroup *entry = individual_nth_group(&state->individuals, individual, g);
		int64	   *u = keep ? &kept[g * d] : kept;

		if (!keep)
			(void) clip_group(contributions, entry->sums, u);
		clip_add(contributions, cost, u, groups_sums(&state->partial.groups, entry->group));
		if (contributions->spec.nsketches > 0)
			add_clipped_items(state, entry, cost);
	}
}

/* Adds individuals, after prefetching the sums of all their groups. */
static void
add_individuals(BoundState *state, uint32 first, uint32 end)
{
	IndividualTable *individuals = &state->individuals;

	if (individuals->single)
	{
		(void) groups_find_only(&state->partial.groups);
		for (uint32 i = first; i < end; i++)
			add_contribution(state, &individuals_nth_single(individuals, i)->group);
		return;
	}
	for (uint32 i = first; i < end; i++)
	{
		Individual *individual = individuals_nth(individuals, i);

		for (uint32 g = 0; g < individual->ngroups; g++)
		{
			const IndividualGroup *entry = individual_nth_group(individuals, individual, g);

			dp_prefetch(groups_sums(&state->partial.groups, entry->group));
		}
	}
	for (uint32 i = first; i < end; i++)
	{
		Individual *individual = individuals_nth(individuals, i);

		if (state->partial.spec->by_total)
			add_clipped(state, individual);
		else
			for (uint32 g = 0; g < individual->ngroups; g++)
				add_contribution(state, individual_nth_group(individuals, individual, g));
	}
}

static void
add_contributions(BoundState *state)
{
	for (uint32 i = 0; i < state->individuals.n; i += BATCH)
	{
		CHECK_FOR_INTERRUPTS();
		add_individuals(state, i, Min(i + BATCH, state->individuals.n));
	}
}

/* Takes a partition that nobody has; false if there is none. */
static bool
take_partition(BoundState *state)
{
	uint32		next = state->shared != NULL ?
		pg_atomic_fetch_add_u32(&state->shared->next, 1) : state->next++;

	if (next >= (uint32) state->npartitions)
		return false;
	state->partition = (int) next;
	state->pass = 0;
	state->pass_bits = 0;
	return true;
}

/* Goes on to the individuals that this pass has not read. */
static void
next_pass(BoundState *state)
{
	state->pass++;
	/* a few may take much memory, so the others are read in fewer passes again */
	while (state->pass_bits > 0 && state->pass % 2 == 0)
	{
		state->pass /= 2;
		state->pass_bits--;
	}
	if (state->pass == (uint32) 1 << state->pass_bits)
		state->partition = -1;
}

/* Makes room for other groups. */
void
bound_forget_groups(BoundState *state)
{
	groups_reset(&state->partial.groups);
	for (int i = 0; i < state->nparticipants; i++)
		group_ids_forget(&state->ids_of[i]);
}

/* Does one pass over a partition; PASS_NONE if all are done. */
PassEnd
bound_do_pass(BoundState *state)
{
	MemoryContext old;
	PassEnd		end;

	if (state->partition < 0 && !take_partition(state))
		return PASS_NONE;
	individuals_reset(&state->individuals);
	state->groups_before = state->partial.groups.n;
	old = MemoryContextSwitchTo(state->partial.row_context);
	end = read_pass(state);
	if (end == PASS_DONE)
	{
		add_contributions(state);
		next_pass(state);
	}
	else if (end == PASS_WIDE)
	{
		/* halves the hashes of a pass, of this one and of those that are left */
		state->pass_bits++;
		state->pass *= 2;
		if (state->groups_before == 0 && !state->numbered)
			bound_forget_groups(state);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(state->partial.row_context);
	return end;
}
