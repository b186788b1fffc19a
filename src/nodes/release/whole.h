/*
 * whole.h
 *		What a drain has left unread of protected tables is read after it.
 */
#ifndef DP_WHOLE_H
#define DP_WHOLE_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern void read_wholly(List *plans);

#endif							/* DP_WHOLE_H */
