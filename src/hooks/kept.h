/*
 * kept.h
 *		Synthetic rows are not kept in tables.
 */
#ifndef DP_KEPT_H
#define DP_KEPT_H

#include "postgres.h"

#include "executor/execdesc.h"

extern void refuse_kept_preview(QueryDesc *queryDesc);

#endif							/* DP_KEPT_H */
