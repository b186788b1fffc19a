/*
 * limits_text.h
 *		What limits and bounds of a release are, and where they come from, in words.
 */
#ifndef DP_LIMITS_TEXT_H
#define DP_LIMITS_TEXT_H

#include "postgres.h"

#include "spec/spec.h"

extern char *limits_text(const ReleaseSpec *spec, const ReleaseParams *params);
extern char *bounds_text(const ReleaseSpec *spec, const ReleaseParams *params,
						 const SpecOutput *output);

#endif							/* DP_LIMITS_TEXT_H */
