/*
 * last.h
 *		What last_release() shows.
 */
#ifndef DP_LAST_H
#define DP_LAST_H

#include "postgres.h"

#include "mechanism/average.h"
#include "mechanism/status.h"
#include "spec/spec.h"
#include "tier/grade.h"

extern void last_begin(const ReleaseSpec *spec, const ReleaseParams *params,
					   TierCodes codes);
extern void last_group(const ReleaseSpec *spec, const ReleaseParams *params,
					   const dp_average_law *law, const dp_int128 *noisy);
extern void last_end(void);

#endif							/* DP_LAST_H */
