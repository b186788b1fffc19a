/*
 * hash.c
 *		Which groups of an individual count: a keyed hash of (individual, group).
 *
 * An individual in more than k groups counts in the k with the smallest hash.
 * The choice depends on that individual's rows and a secret of the release
 * alone, so it adds nothing to the sensitivity.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "nodes/drain.h"

PG_FUNCTION_INFO_V1(dp_bounding_hash);

typedef struct HashCache
{
	uint64		key;
	int			nargs;
	FmgrInfo  **procs;
} HashCache;

static HashCache *
hash_cache(FunctionCallInfo fcinfo)
{
	HashCache  *cache = fcinfo->flinfo->fn_extra;
	MemoryContext old;

	if (likely(cache != NULL))
		return cache;
	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	cache = palloc0(sizeof(HashCache));
	cache->key = drain_secret();
	cache->nargs = PG_NARGS();
	cache->procs = palloc0(cache->nargs * sizeof(FmgrInfo *));
	for (int i = 0; i < cache->nargs; i++)
	{
		TypeCacheEntry *type = lookup_type_cache(get_fn_expr_argtype(fcinfo->flinfo, i),
												 TYPECACHE_HASH_EXTENDED_PROC_FINFO);

		if (!OidIsValid(type->hash_extended_proc_finfo.fn_oid))
			elog(ERROR, "type %u cannot be hashed", type->type_id);
		cache->procs[i] = palloc(sizeof(FmgrInfo));
		fmgr_info_copy(cache->procs[i], &type->hash_extended_proc_finfo,
					   CurrentMemoryContext);
	}
	MemoryContextSwitchTo(old);
	fcinfo->flinfo->fn_extra = cache;
	return cache;
}

/*
 * bounding_hash(VARIADIC "any") returns bigint
 *
 * Hash of the arguments (unit columns, group keys), consistent with equality
 * of their types, keyed by the secret of the release being drained.
 */
PGDLLEXPORT Datum
dp_bounding_hash(PG_FUNCTION_ARGS)
{
	HashCache  *cache = hash_cache(fcinfo);
	uint64		hash = cache->key;

	for (int i = 0; i < cache->nargs; i++)
	{
		uint64		one = 0;

		if (!PG_ARGISNULL(i))
			one = DatumGetUInt64(FunctionCall2Coll(cache->procs[i], PG_GET_COLLATION(),
												   PG_GETARG_DATUM(i),
												   UInt64GetDatum(cache->key)));
		hash = hash_combine64(hash, one);
	}
	PG_RETURN_INT64((int64) hash);
}
