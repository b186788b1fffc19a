/*
 * missing.h
 *		Rows without the values that all outputs are about.
 */
#ifndef DP_MISSING_H
#define DP_MISSING_H

#include "postgres.h"

#include "query/builder.h"

extern void drop_rows_without_values(ReleaseBuilder *builder);

#endif							/* DP_MISSING_H */
