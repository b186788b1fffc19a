/*
 * untied.h
 *		What is told where protected inputs are not tied.
 */
#ifndef DP_UNTIED_H
#define DP_UNTIED_H

#include "postgres.h"

#include "core/compat.h"

#include "query/level.h"

DP_NORETURN extern void refuse_not_tied(RewriteContext *context, Level *level, int location);

#endif							/* DP_UNTIED_H */
