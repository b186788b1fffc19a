/*
 * depends.h
 *		Does an expression depend on other plans and relations?
 */
#ifndef DP_NODES_DEPENDS_H
#define DP_NODES_DEPENDS_H

#include "postgres.h"

#include "nodes/nodes.h"

/* In the place of a range table index: columns of all relations are the expression's own. */
#define DP_ANY_RELATION 0

extern bool depends_on_others(Node *expr, Index own);

#endif							/* DP_NODES_DEPENDS_H */
