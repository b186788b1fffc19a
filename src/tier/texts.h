/*
 * texts.h
 *		Sentences for the codes of risk tiers, and what a tier obliges to.
 */
#ifndef DP_TIER_TEXTS_H
#define DP_TIER_TEXTS_H

#include "postgres.h"

#include "tier/grade.h"

/* The languages that sentences are written in. */
typedef enum TierLanguage
{
	TIER_ENGLISH,
	TIER_CHINESE
} TierLanguage;

extern TierLanguage tier_language(const char *wish);
extern const char *tier_reason(TierCode code, TierLanguage language);
extern const char *tier_obligation(DpTier tier, TierLanguage language);
extern char *tier_quasi_warning(int number, const char *names, TierLanguage language);
extern char *tier_grid_warning(double lower, double upper, double step, TierLanguage language);

#endif							/* DP_TIER_TEXTS_H */
