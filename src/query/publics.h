/*
 * publics.h
 *		What is public below a release is put where it is read before it.
 */
#ifndef DP_PUBLICS_H
#define DP_PUBLICS_H

#include "postgres.h"

#include "query/level.h"

extern bool holds_release(Node *query);
extern void inline_public_ctes(RewriteContext *context, Level *level, Query *release);
extern void read_publics_ahead(RewriteContext *context, Query *release);

#endif							/* DP_PUBLICS_H */
