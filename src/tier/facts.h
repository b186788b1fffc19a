/*
 * facts.h
 *		What the tier of a release rests on: where it is computed, how it reaches its client,
 *		how many individuals it covers, what it costs.
 */
#ifndef DP_TIER_FACTS_H
#define DP_TIER_FACTS_H

#include "postgres.h"

#include "tier/grade.h"

extern TierCode tier_transmission(void);
extern TierCodes tier_of_session(void);
extern TierCodes tier_of_release(int64 epsilon_nano, int64 individuals);
extern TierCodes tier_with_scale(TierCodes codes, double individuals);
extern int64 tier_lifetime_limit(void);

#endif							/* DP_TIER_FACTS_H */
