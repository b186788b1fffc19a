/*
 * wide.h
 *		Which columns a release reads for their values.
 */
#ifndef DP_WIDE_H
#define DP_WIDE_H

#include "postgres.h"

extern List *wide_columns(Query *release);

#endif							/* DP_WIDE_H */
