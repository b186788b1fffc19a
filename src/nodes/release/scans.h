/*
 * scans.h
 *		The releases of a started plan, and what it scans outside them.
 */
#ifndef DP_RELEASE_SCANS_H
#define DP_RELEASE_SCANS_H

#include "postgres.h"

#include "nodes/bitmapset.h"
#include "nodes/execnodes.h"

extern void find_releases(PlanState *state, List **releases, Bitmapset **scanned);
extern Bitmapset *scanned_below(List *releases);

#endif							/* DP_RELEASE_SCANS_H */
