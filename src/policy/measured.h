/*
 * measured.h
 *		How the rows of a relation lie over individuals, as somebody has measured it.
 */
#ifndef DP_MEASURED_H
#define DP_MEASURED_H

#include "postgres.h"

#include "policy/policy.h"

extern bool measured_share(const ProtectedRelation *rel, int64 rows, double *share);

#endif							/* DP_MEASURED_H */
