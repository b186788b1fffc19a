/*
 * charges.c
 *		What the releases of a statement are charged and logged as.
 *
 * The same for a statement that is about to run and for one that is only estimated.
 */
#include "postgres.h"

#include "nodes/bitmapset.h"

#include "hooks/charges.h"
#include "ledger/account.h"
#include "ledger/protocol.h"
#include "nodes/release/reuse_key.h"
#include "nodes/release/state.h"
#include "policy/cache.h"
#include "spec/spec.h"
#include "tier/facts.h"

/*
 * What a release reveals, but for what its account has spent.  The size of its population is
 * what is declared now, whatever it was when the query was planned.
 */
static TierCodes
release_codes(const ReleaseSpec *spec, const ReleaseParams *params)
{
	const ProtectedRelation *rel = policy_lookup(spec->relid);

	return tier_of_release(params->epsilon_nano, rel != NULL ? rel->individuals : 0);
}

/* What an output is called in the log, if several grouping sets have it. */
static const char *
charged_outputs(const ReleaseSpec *spec)
{
	if (spec->grouping.count < 2)
		return spec->output_names;
	return psprintf("%s in %d grouping sets",
					spec->noutputs > 0 ? spec->output_names : "group keys", spec->grouping.count);
}

/* A charge for a release. */
static Charge *
new_charge(const ReleaseState *state)
{
	const ReleaseSpec *spec = state->spec;
	Charge	   *charge = palloc0(sizeof(Charge));
	LedgerItem *item = palloc0(sizeof(LedgerItem));

	item->population = spec->population;
	item->epsilon_nano = state->params.epsilon_nano;
	item->delta_atto = state->params.delta_atto;
	item->least_epsilon = spec_least_epsilon();
	item->relations = spec->relations;
	item->outputs = charged_outputs(spec);
	item->account_required = spec->account_required;
	item->concentrated = state->params.gaussian;
	item->codes = release_codes(spec, &state->params);
	item->reused = state->reuse != NULL && state->reuse->answer != NULL;
	if (item->reused)
		item->epsilon_nano = item->delta_atto = 0;
	item->lifetime_limit = tier_lifetime_limit();
	charge->item = item;
	charge->grouping = &spec->grouping;
	return charge;
}

/*
 * Finds the charge that pays for a release, or adds one.  A charge pays for each grouping set
 * of one GROUP BY once, and its price is that of all; should a set stand in the plan twice, it
 * is paid for twice.
 */
static List *
add_charge(List *charges, const ReleaseState *state, Charge **found)
{
	const SpecGrouping *grouping = &state->spec->grouping;
	ListCell   *lc;

	foreach(lc, charges)
	{
		Charge	   *charge = lfirst(lc);

		if (grouping->number > 0 && charge->grouping->number > 0 &&
			memcmp(grouping->id, charge->grouping->id, DP_SPEC_ID_BYTES) == 0 &&
			!bms_is_member(grouping->number, charge->sets) &&
			(charge->item->reused ||
			 (charge->item->epsilon_nano == state->params.epsilon_nano &&
			  charge->item->delta_atto == state->params.delta_atto)))
		{
			charge->sets = bms_add_member(charge->sets, grouping->number);
			charge->item->concentrated |= state->params.gaussian;
			*found = charge;
			return charges;
		}
	}
	*found = new_charge(state);
	(*found)->number = list_length(charges) + 1;
	(*found)->sets = bms_make_singleton(grouping->number);
	return lappend(charges, *found);
}

/*
 * The delta of a release, unless it was asked for: no greater part of an account's delta than of its
 * epsilon (see ledger_delta_share()).  Nothing of the release depends on it before it runs.
 */
static void
settle_delta(ReleaseState *state)
{
	if (!state->spec->delta_asked)
		spec_limit_delta(state->spec, &state->params,
						 ledger_delta_share(&state->spec->population, state->params.epsilon_nano,
											state->params.delta_atto));
}

/*
 * charges_of
 *		What the ledger is to charge for releases that have begun (release nodes): a list of LedgerItem, one
 *		for each price, in the order of their numbers.
 *
 * *paying gets the charge that pays for each release.  The delta of the releases is settled.
 */
List *
charges_of(List *releases, List **paying)
{
	List	   *charges = NIL;
	List	   *items = NIL;
	ListCell   *lc;

	*paying = NIL;
	foreach(lc, releases)
	{
		Charge	   *charge;

		settle_delta(release_state(lfirst(lc)));
		charges = add_charge(charges, release_state(lfirst(lc)), &charge);
		*paying = lappend(*paying, charge);
	}
	foreach(lc, charges)
	{
		LedgerItem *item = ((Charge *) lfirst(lc))->item;

		if (item->concentrated && !item->reused)
			item->outputs = psprintf("%s, Gaussian noise", item->outputs);
		items = lappend(items, item);
	}
	return items;
}
