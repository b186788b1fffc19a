/*
 * worker_views.h
 *		Facades that Citus copies to its workers.
 */
#ifndef DP_WORKER_VIEWS_H
#define DP_WORKER_VIEWS_H

#include "postgres.h"

#include "nodes/nodes.h"

extern bool is_copied_facade(Node *statement);
extern bool is_copied_owner(Node *statement);
extern void drop_copied_facades(Oid relid);
extern void replace_copied_facade(Node *statement, void (*run) (void *call), void *call);

#endif							/* DP_WORKER_VIEWS_H */
