/*
 * piece.h
 *		What the query of a piece of a release says to the machine that computes it.
 *
 * A release over tables of Citus is computed in pieces, one for each shard (query/shards.c).  Their
 * query is SQL, which Citus hands to the machines, and the first argument of its collector is a bytea:
 *
 *		magic		4 bytes, "DPpc"
 *		version		2 bytes: of these bytes
 *		server		2 bytes: PostgreSQL's major version, as OIDs of built-in functions travel
 *		secret		8 bytes, drawn for this release: the same groups of an individual count, and
 *					values have the same hashes, wherever they are
 *		units		2 bytes: how many columns tell the individual; 0 where each row is one
 *		alone		1 byte: all rows are on one machine, so that nothing has to be divided
 *		settings	2 bytes: how many; then each as name and value, texts that end with a zero
 *		description	the rest, as spec_write() makes it
 *
 * Numbers stand in network byte order.
 */
#ifndef DP_PIECE_H
#define DP_PIECE_H

#include "postgres.h"

#include "nodes/pg_list.h"

typedef struct PieceHead
{
	uint64		secret;
	int			nunits;
	bool		alone;
	List	   *settings;		/* of String: a name, its value, the next name ... */
	Datum		description;	/* bytea */
} PieceHead;

extern bytea *piece_head_write(const PieceHead *head);
extern void piece_head_read(PieceHead *head, Datum bytes);

#endif							/* DP_PIECE_H */
