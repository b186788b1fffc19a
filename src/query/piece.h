/*
 * piece.h
 *		The query of a release's piece, where it is computed.
 */
#ifndef DP_QUERY_PIECE_H
#define DP_QUERY_PIECE_H

#include "postgres.h"

#include "nodes/parsenodes.h"

extern bool query_is_piece(const Query *query);
extern void open_piece(Query *query);

#endif							/* DP_QUERY_PIECE_H */
