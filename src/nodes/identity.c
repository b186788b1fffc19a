/*
 * identity.c
 *		Which nodes of a plan are ours.
 */
#include "postgres.h"

#include "nodes/identity.h"

/* As EXPLAIN shows them. */
const char	node_release[] = "DP Release";
const char	node_bound[] = "DP Bound";
const char	node_stream[] = "DP Stream";
const char	node_wide[] = "DP Scan";
const char	node_public[] = "DP Public";
const char	node_shards[] = "DP Shards";
const char	node_piece[] = "DP Piece";

/* The description in the plan of one of these nodes, as spec_read() takes it. */
Datum
node_description(const CustomScan *scan)
{
	return linitial_node(Const, scan->custom_private)->constvalue;
}
