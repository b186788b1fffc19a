/*
 * warm.c
 *		What a drain looks up in the catalogs is looked up before it.
 *
 * Functions look types, labels of enums and collations up when they meet their
 * first value, and a wide value opens its table's TOAST table.  What was looked up
 * stays in the session's caches, where its client can see it afterwards: by counters
 * of scans and buffers, its own look-up costs one more or less.  So everything a
 * release may look up is looked up when its drain begins, whatever the data.  A
 * collation whose version has changed warns here as well, and not with the first
 * row.
 *
 * The locks on these are kept: taken with the first wide value, they could fail.
 *
 * Types of users are locked, and must still be there: code of the client's may have
 * dropped them since the query was planned, and then only rows would tell.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/pg_locale.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "core/compat.h"
#include "core/errors.h"
#include "nodes/release/warm.h"
#include "spec/needs.h"

#define EVERYTHING_OF_A_TYPE \
	(TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR | TYPECACHE_GT_OPR | TYPECACHE_CMP_PROC | \
	 TYPECACHE_HASH_PROC | TYPECACHE_EQ_OPR_FINFO | TYPECACHE_CMP_PROC_FINFO | \
	 TYPECACHE_HASH_PROC_FINFO | TYPECACHE_BTREE_OPFAMILY | TYPECACHE_HASH_OPFAMILY | \
	 TYPECACHE_HASH_EXTENDED_PROC | TYPECACHE_HASH_EXTENDED_PROC_FINFO)

/*
 * Labels, and the order of those that were added between others (odd OIDs), which
 * the type cache loads when it first compares one.
 */
static void
warm_enum(Oid type, TypeCacheEntry *cache)
{
	Relation	enums = table_open(EnumRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *labels = NIL;
	ListCell   *lc;

	ScanKeyInit(&key, Anum_pg_enum_enumtypid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(type));
	scan = systable_beginscan(enums, EnumTypIdLabelIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		labels = lappend_oid(labels, ((Form_pg_enum) GETSTRUCT(tuple))->oid);
	systable_endscan(scan);
	table_close(enums, AccessShareLock);

	foreach(lc, labels)
	{
		HeapTuple	label = SearchSysCache1(ENUMOID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(label))
			continue;
		(void) SearchSysCacheExists2(ENUMTYPOIDNAME, ObjectIdGetDatum(type),
									 NameGetDatum(&((Form_pg_enum) GETSTRUCT(label))->enumlabel));
		ReleaseSysCache(label);
		(void) compare_values_of_enum(cache, linitial_oid(labels), lfirst_oid(lc));
	}
}

static void
warm_type(Oid type)
{
	Oid			function;
	Oid			ioparam;
	bool		varlena;
	char		kind;

	if (type >= FirstNormalObjectId)
		LockDatabaseObject(TypeRelationId, type, 0, AccessShareLock);
	if (!SearchSysCacheExists1(TYPEOID, ObjectIdGetDatum(type)))
		ereport(ERROR,
				(errcode(ERRCODE_DP_QUERY_REFUSED),
				 errmsg("a type has been dropped since the query was planned"),
				 errhint("Run the query again.")));
	kind = get_typtype(type);
	if (kind == TYPTYPE_PSEUDO)
		return;
	getTypeOutputInfo(type, &function, &varlena);
	getTypeInputInfo(type, &function, &ioparam);
	if (kind == TYPTYPE_BASE || kind == TYPTYPE_ENUM)
	{
		TypeCacheEntry *cache = lookup_type_cache(type, EVERYTHING_OF_A_TYPE);

		if (kind == TYPTYPE_ENUM)
			warm_enum(type, cache);
	}
}

static void
warm_toast(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	Oid			toastid = relation->rd_rel->reltoastrelid;

	table_close(relation, NoLock);
	if (OidIsValid(toastid))
	{
		Relation	toast = table_open(toastid, AccessShareLock);
		ListCell   *lc;

		foreach(lc, RelationGetIndexList(toast))
			index_close(index_open(lfirst_oid(lc), AccessShareLock), NoLock);
		table_close(toast, NoLock);
	}
}

/*
 * Looks up the types and collations of release_needs(), and the TOAST tables of all tables of the
 * statement.  Raises ERRCODE_DP_QUERY_REFUSED if a type is gone.
 */
void
warm_up(List *needs, EState *estate)
{
	ListCell   *lc;

	foreach(lc, (List *) list_nth(needs, NEED_TYPES))
		warm_type(lfirst_oid(lc));
	foreach(lc, (List *) list_nth(needs, NEED_COLLATIONS))
	{
		Oid			collation = lfirst_oid(lc);

		DP_WARM_COLLATION(collation);
	}
	foreach(lc, estate->es_range_table)
	{
		RangeTblEntry *rte = lfirst(lc);

		if (rte->rtekind == RTE_RELATION &&
			(rte->relkind == RELKIND_RELATION || rte->relkind == RELKIND_MATVIEW))
			warm_toast(rte->relid);
	}
}
