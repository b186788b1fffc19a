/*
 * products.h
 *		Bounds of what an individual adds to a sum of products.
 */
#ifndef DP_PRODUCTS_H
#define DP_PRODUCTS_H

#include "postgres.h"

#include "nodes/pathnodes.h"
#include "nodes/primnodes.h"

#include "query/level.h"

typedef struct Total
{
	double		lower;
	double		upper;
	double		norm;			/* of the sums over groups; 0 if none is declared */
} Total;

extern bool derive_total_of_product(PlannerInfo *root, Level *level, Expr *filter, Node *node, Total *total);

#endif							/* DP_PRODUCTS_H */
