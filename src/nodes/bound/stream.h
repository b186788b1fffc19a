/*
 * stream.h
 *		The node for rows that are individuals.
 */
#ifndef DP_STREAM_H
#define DP_STREAM_H

#include "postgres.h"

#include "nodes/extensible.h"

extern Node *stream_create_state(CustomScan *scan);

#endif							/* DP_STREAM_H */
