/*
 * lengths.h
 *		How long texts are.
 */
#ifndef DP_LENGTHS_H
#define DP_LENGTHS_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "nodes/primnodes.h"

#include "query/ranges.h"
#include "query/scope.h"

extern bool is_text_type(Oid type);
extern int	units_of_length(Oid funcid);
extern Range length_of_type(Node *node);
extern Range length_of_constant(Const *con);
extern Range length_of_call(Scope *scope, Oid funcid, List *args);

#endif							/* DP_LENGTHS_H */
