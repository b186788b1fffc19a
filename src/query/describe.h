/*
 * describe.h
 *		What the description of a release says beside its outputs.
 */
#ifndef DP_DESCRIBE_H
#define DP_DESCRIBE_H

#include "postgres.h"

#include "query/builder.h"

extern void describe_release(ReleaseBuilder *builder);

#endif							/* DP_DESCRIBE_H */
