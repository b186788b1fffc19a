/*
 * arrays.h
 *		Codes of risk tiers as arrays of SQL: names, and sentences.
 */
#ifndef DP_TIER_ARRAYS_H
#define DP_TIER_ARRAYS_H

#include "postgres.h"

#include "tier/grade.h"

extern Datum tier_codes_array(TierCodes codes);
extern Datum tier_reasons_array(TierCodes codes);

#endif							/* DP_TIER_ARRAYS_H */
