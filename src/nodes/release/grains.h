/*
 * grains.h
 *		Which conditions on time a release has rounded.
 */
#ifndef DP_RELEASE_GRAINS_H
#define DP_RELEASE_GRAINS_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern bool is_grain_call(Node *node);
extern void settle_grains(List *releases);
extern void tell_grains(List *releases);

#endif							/* DP_RELEASE_GRAINS_H */
