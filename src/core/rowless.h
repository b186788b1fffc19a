/*
 * rowless.h
 *		Which expressions need no row.
 */
#ifndef DP_ROWLESS_H
#define DP_ROWLESS_H

#include "postgres.h"

#include "nodes/nodes.h"

extern bool needs_row(Node *node);

#endif							/* DP_ROWLESS_H */
