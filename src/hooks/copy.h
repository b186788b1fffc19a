/*
 * copy.h
 *		COPY of a table to a client or file: rows that leave without an executor.
 */
#ifndef DP_COPY_H
#define DP_COPY_H

#include "postgres.h"

#include "nodes/nodes.h"

extern bool is_copy_of_table(Node *statement);
extern const char *copy_watch(const char *query_text);
extern bool copy_is_watched(void);

#endif							/* DP_COPY_H */
