/*
 * guarded.h
 *		Calls below a release that cannot fail.
 */
#ifndef DP_GUARDED_H
#define DP_GUARDED_H

#include "postgres.h"

extern void forgive_error(MemoryContext context, uint32 holdoff, uint32 cancel_holdoff);

#endif							/* DP_GUARDED_H */
