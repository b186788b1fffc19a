/*
 * session_values.h
 *		Values of the session: CURRENT_USER, current_setting() and the like.
 */
#ifndef DP_SESSION_VALUES_H
#define DP_SESSION_VALUES_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern bool has_session_value(Node *node, void *context);
extern bool is_of_session(Node *node);
extern Node *settled_value(Query *level, Node *value);

#endif							/* DP_SESSION_VALUES_H */
