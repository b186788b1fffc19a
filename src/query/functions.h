/*
 * functions.h
 *		How many values a function can have, whatever its argument is?
 */
#ifndef DP_FUNCTIONS_H
#define DP_FUNCTIONS_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern bool gives_field(Oid funcid);
extern char *cut_period(Oid funcid, List *args);
extern int64 function_values(Oid funcid, List *args);

#endif							/* DP_FUNCTIONS_H */
