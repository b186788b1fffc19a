/*
 * paths.h
 *		Which paths of jsonb may stand below a release?
 */
#ifndef DP_PATHS_H
#define DP_PATHS_H

#include "postgres.h"

extern bool path_is_bounded(Datum path);

#endif							/* DP_PATHS_H */
