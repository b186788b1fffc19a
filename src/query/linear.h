/*
 * linear.h
 *		Expressions as linear combinations of others.
 */
#ifndef DP_LINEAR_H
#define DP_LINEAR_H

#include "postgres.h"

#include "nodes/nodes.h"

#include "spec/spec.h"

/* shift + sum of weight * leaf: different leaves, 1 .. DP_FORM_TERMS of them, no weight is 0. */
typedef struct LinearForm
{
	double		shift;
	int			nterms;
	struct
	{
		Node	   *leaf;		/* a number that is no such sum itself */
		double		weight;
	}			terms[DP_FORM_TERMS];
} LinearForm;

extern bool linear_form(Node *expr, LinearForm *form);

#endif							/* DP_LINEAR_H */
