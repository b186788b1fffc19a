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
	/* aggregates an analyst writes: DP_FUNC_FIRST_AGGREGATE and on */
	DP_FUNC_COUNT,
	DP_FUNC_COUNT_DISTINCT,
	DP_FUNC_SUM,
	DP_FUNC_AVG,
	DP_FUNC_VAR,				/* of the sample, as are the next but _POP */
	DP_FUNC_VAR_POP,
	DP_FUNC_STDDEV,
	DP_FUNC_STDDEV_POP,
	DP_FUNC_COVAR,
	DP_FUNC_COVAR_POP,
	DP_FUNC_CORR,
	DP_FUNC_REGR_SLOPE,
	DP_FUNC_REGR_INTERCEPT,
	DP_FUNC_REGR_R2,
	DP_FUNC_REGR_COUNT,
	DP_FUNC_REGR_AVGX,
	DP_FUNC_REGR_AVGY,
	DP_FUNC_REGR_SXX,
	DP_FUNC_REGR_SYY,
	DP_FUNC_REGR_SXY,
	DP_FUNC_MEDIAN,
	DP_FUNC_QUANTILE,
	DP_FUNC_MIN,
	DP_FUNC_MAX,
	DP_FUNC_BOOL_AND,
	DP_FUNC_BOOL_OR,
	DP_FUNC_LIST,				/* array_agg, string_agg: the values themselves */
	DP_FUNC_MODE,
	DP_FUNC_TOP,
	DP_FUNC_HISTOGRAM,
	DP_FUNC_BOUNDS,
	DP_FUNC_TIER,
	/* what an analyst writes around and beside them */
	DP_FUNC_LOW,
	DP_FUNC_HIGH,
	DP_FUNC_CLIPPED,
	DP_FUNC_WITH,
	/* what the rewriter puts in */
	DP_FUNC_COLLECT,
	DP_FUNC_COLLECT_BOUNDED,
	DP_FUNC_COLLECT_CLIPPED,
	DP_FUNC_CLIP_COST,
	DP_FUNC_INDIVIDUAL,
	DP_FUNC_SKETCH,
	DP_FUNC_SKETCH_ROWS,
	DP_FUNC_SKETCH_BOUNDED,
	DP_FUNC_SKETCH_CLIPPED,
	DP_FUNC_BOUND,
	DP_FUNC_BOUND_SKETCH,
	DP_FUNC_BOUNDING_HASH,
	DP_FUNC_OUTPUT,
	DP_FUNC_GUARDED,
	DP_FUNC_GUARDED_CAST,
	DP_FUNC_TAME,
	DP_FUNC_CANONICAL,
	DP_FUNC_IMAGE,
	DP_FUNC_EXACT,
	DP_FUNC_NEAREST_FLOAT4,
	DP_FUNC_NEAREST_FLOAT8,
	DP_FUNC_FLAT,
	DP_FUNC_NUMBER,
	DP_FUNC_DERIVED_BOUND,
	DP_FUNC_PREVIEW_ROWS,
	DP_FUNC_GRAIN_END,
	DP_FUNC_GRAIN_END_ZONED,
	DP_FUNC_SHARDS,
	DP_FUNC_TRAVELLING,
	DP_FUNC_TRAVELLING_CAST,
	/* what the administrator calls */
	DP_FUNC_PROTECT,
	/* what facades need */
	DP_FUNC_FACADES_BEFORE,
	DP_FUNC_FACADES_AFTER,
	DP_FUNC_CONVERSION_BEGIN,
	DP_FUNC_CONVERSION_REMAKE,
	DP_FUNC_FACADE_SETTLE,
	DP_FUNC_FACADE_REMOVE,
	/* what is done for administrators of populations */
	DP_FUNC_ADMINISTERS,
	DP_FUNC_POPULATION_KNOWN,
	DP_FUNC_POPULATION_FOUND,
	DP_FUNC_ADMIN_ADD,
	DP_FUNC_ADMIN_REMOVE,
	DP_FUNC_ACCOUNT_SET,
	DP_FUNC_ACCOUNT_DROP,
	DP_FUNC_CAP_SET,
	DP_FUNC_CAP_DROP,
	DP_FUNC_REUSE_SET,
	DP_FUNC_REUSE_REFRESH,
	DP_FUNC_READERS_WARN,
	DP_FUNC_OTHER,				/* any other member of the extension */
	DP_FUNC_LAST
} DpFunction;

#define DP_FUNC_FIRST_AGGREGATE DP_FUNC_COUNT
#define DP_FUNC_LAST_AGGREGATE DP_FUNC_TIER

extern void extension_init_cache(void);
extern bool extension_installed(void);
extern bool extension_is_known(void);
extern void extension_check_version(void);
extern DpFunction extension_function(Oid funcid);
extern bool extension_role_may(DpFunction function, Oid role);
extern Oid	extension_oid(DpFunction function, Oid argtype);

#endif							/* DP_EXTENSION_H */
