/*
 * extension.h
 *		The functions of the extension, found by membership, never by name alone.
 */
#ifndef DP_EXTENSION_H
#define DP_EXTENSION_H

#include "postgres.h"

typedef enum DpFunction
{
	DP_FUNC_NONE,
	/* aggregates an analyst writes */
	DP_FUNC_COUNT,
	DP_FUNC_COUNT_DISTINCT,
	DP_FUNC_SUM,
	DP_FUNC_AVG,
	DP_FUNC_WITH,
	/* what the rewriter puts in */
	DP_FUNC_COLLECT,
	DP_FUNC_COLLECT_BOUNDED,
	DP_FUNC_INDIVIDUAL,
	DP_FUNC_BOUNDING_HASH,
	DP_FUNC_OUTPUT,
	DP_FUNC_TOTAL,
	DP_FUNC_TAME,
	/* what the administrator calls */
	DP_FUNC_PROTECT,
	DP_FUNC_OTHER,				/* any other member of the extension */
	DP_FUNC_LAST
} DpFunction;

extern void extension_init_cache(void);
extern bool extension_installed(void);
extern DpFunction extension_function(Oid funcid);
extern bool extension_role_may(DpFunction function, Oid role);
extern Oid	extension_oid(DpFunction function, Oid argtype);

#endif							/* DP_EXTENSION_H */
