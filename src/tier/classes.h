/*
 * classes.h
 *		Classes of columns: their names, and what follows from them for releases.
 *
 * This is plain C without PostgreSQL.
 */
#ifndef DP_TIER_CLASSES_H
#define DP_TIER_CLASSES_H

#include "tier/grade.h"

/* What dp_agg.classify() takes, for hints. */
#define TIER_CLASS_NAMES "direct_identifier, quasi_identifier, sensitive and ordinary"
#define TIER_PROCESSING_NAMES "raw, masked, generalised, pseudonymised and encrypted"

extern const char *tier_class_name(TierClass class);
extern bool tier_class_of_name(const char *name, TierClass *class);
extern const char *tier_processing_name(TierProcessing processing);
extern bool tier_processing_of_name(const char *name, TierProcessing *processing);
extern bool tier_is_direct(const TierColumn *column);
extern bool tier_is_quasi(const TierColumn *column);

#endif							/* DP_TIER_CLASSES_H */
