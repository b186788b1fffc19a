/*
 * lengths.h
 *		The most characters of a text.
 */
#ifndef DP_LENGTHS_H
#define DP_LENGTHS_H

#include "postgres.h"

#include "query/scope.h"

extern double most_characters(Scope *scope, Node *node);

#endif							/* DP_LENGTHS_H */
