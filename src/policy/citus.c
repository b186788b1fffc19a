/*
 * citus.c
 *		How Citus spreads relations over machines, and what is for its coordinator alone.
 *
 * Citus says so in catalogs of its own, in pg_catalog, where nobody but superusers creates tables:
 *
 *		pg_dist_partition	a row for each relation that it knows: how it is divided, by which column
 *							(a Var, written as nodeToString() does), and its colocation group
 *		pg_dist_shard		a row for each shard; on its machine that is a table, whose name is that of the
 *							relation with the number of the shard
 *		pg_dist_local_group	one row: the number of this machine's group, 0 on the coordinator
 *
 * They are read by the names of their columns, so that nothing here depends on how Citus is
 * compiled.  A relation that changes there has its relcache entry invalidated by Citus.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_namespace.h"
#include "fmgr.h"
#include "funcapi.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "core/errors.h"
#include "policy/citus.h"

PG_FUNCTION_INFO_V1(dp_check_coordinator);
PG_FUNCTION_INFO_V1(dp_shard_of);
PG_FUNCTION_INFO_V1(dp_citus_distribution);

/* A catalog of Citus in this database; InvalidOid if it has none. */
static Oid
citus_catalog(const char *name)
{
	return get_relname_relid(name, PG_CATALOG_NAMESPACE);
}

/* A column of a row of such a catalog. */
static Datum
column_of(HeapTuple tuple, Relation catalog, const char *name, bool *isnull)
{
	AttrNumber	attno = get_attnum(RelationGetRelid(catalog), name);

	if (attno == InvalidAttrNumber)
		malformed("catalog of Citus");
	return heap_getattr(tuple, attno, RelationGetDescr(catalog), isnull);
}

/* The same of a column that is never NULL. */
static Datum
value_of(HeapTuple tuple, Relation catalog, const char *name)
{
	bool		isnull;
	Datum		value = column_of(tuple, catalog, name, &isnull);

	if (isnull)
		malformed("catalog of Citus");
	return value;
}

/* Is Citus installed in this database? */
bool
citus_present(void)
{
	return OidIsValid(citus_catalog("pg_dist_partition"));
}

/* Is this machine one that serves a coordinator? */
bool
citus_is_worker(void)
{
	Oid			relid = citus_catalog("pg_dist_local_group");
	Relation	catalog;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		result = false;

	if (!OidIsValid(relid))
		return false;
	catalog = table_open(relid, AccessShareLock);
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = DatumGetInt32(value_of(tuple, catalog, "groupid")) != 0;
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

/* The column that a distribution key names, which is written as a Var. */
static AttrNumber
distribution_column(Datum written)
{
	Node	   *node = stringToNode(TextDatumGetCString(written));

	if (node == NULL || !IsA(node, Var))
		malformed("catalog of Citus");
	return ((Var *) node)->varattno;
}

/* What a row of pg_dist_partition says. */
static CitusTable
read_table(HeapTuple tuple, Relation catalog)
{
	CitusTable	result = {.kind = CITUS_OTHER};
	bool		isnull;
	Datum		key = column_of(tuple, catalog, "partkey", &isnull);

	result.colocation = DatumGetInt32(value_of(tuple, catalog, "colocationid"));
	switch (DatumGetChar(value_of(tuple, catalog, "partmethod")))
	{
		case 'h':
			result.kind = CITUS_HASH;
			if (isnull)
				malformed("catalog of Citus");
			result.column = distribution_column(key);
			break;
		case 'n':
			if (DatumGetChar(value_of(tuple, catalog, "repmodel")) == 't')
				result.kind = CITUS_REFERENCE;
			else
				result.kind = result.colocation == 0 ? CITUS_MANAGED : CITUS_SINGLE;
			break;
		default:
			break;
	}
	return result;
}

/* How Citus spreads a relation; CITUS_LOCAL if it does not know it. */
CitusTable
citus_table(Oid relid)
{
	CitusTable	result = {.kind = CITUS_LOCAL};
	Oid			catalog_oid = citus_catalog("pg_dist_partition");
	Relation	catalog;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (!OidIsValid(catalog_oid))
		return result;
	catalog = table_open(catalog_oid, AccessShareLock);
	ScanKeyInit(&key, get_attnum(catalog_oid, "logicalrelid"), BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, citus_catalog("pg_dist_partition_logical_relid_index"), true,
							  NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		result = read_table(tuple, catalog);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

/* Is it the column that divides the relation among shards? */
bool
citus_divides(Oid relid, AttrNumber attno)
{
	CitusTable	table = citus_table(relid);

	return table.kind == CITUS_HASH && table.column == attno;
}

/* What kinds are called in SQL. */
static const char *const kind_names[] = {
	[CITUS_LOCAL] = NULL,
	[CITUS_MANAGED] = "managed",
	[CITUS_REFERENCE] = "reference",
	[CITUS_SINGLE] = "single",
	[CITUS_HASH] = "hash",
	[CITUS_OTHER] = "other"
};

/*
 * dp_agg.citus_distribution(relation): the kind of table that it is to Citus, NULL if it is none, the column by which it is
 * divided, and its colocation group.
 */
PGDLLEXPORT Datum
dp_citus_distribution(PG_FUNCTION_ARGS)
{
	CitusTable	table = citus_table(PG_GETARG_OID(0));
	bool		known = table.kind != CITUS_LOCAL;
	char	   *column = table.kind == CITUS_HASH ? get_attname(PG_GETARG_OID(0), table.column, true) : NULL;
	Datum		values[3] = {0};
	bool		nulls[3] = {!known, column == NULL, !known};
	TupleDesc	desc;
	NameData	name;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "unexpected type of result");
	if (known)
		values[0] = CStringGetTextDatum(kind_names[table.kind]);
	if (column != NULL)
	{
		namestrcpy(&name, column);
		values[1] = NameGetDatum(&name);
	}
	values[2] = Int32GetDatum(table.colocation);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* The number at the end of a name, behind an underscore, and in *stem how long the name is before it; -1 if there is none. */
static int64
shard_number(const char *name, size_t *stem)
{
	const char *underscore = strrchr(name, '_');

	if (underscore == NULL || strlen(underscore + 1) < 1 || strlen(underscore + 1) > 18 ||
		strspn(underscore + 1, "0123456789") != strlen(underscore + 1))
		return -1;
	*stem = underscore - name;
	return pg_strtoint64(underscore + 1);
}

/* Is it a name such as shards have? */
bool
citus_is_shard_name(const char *name)
{
	size_t		stem;

	return shard_number(name, &stem) >= 0;
}

/* The relation to which Citus has given a shard of this number; InvalidOid if it knows of none. */
static Oid
relation_of_shard(Oid catalog_oid, int64 number)
{
	Relation	catalog = table_open(catalog_oid, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			result = InvalidOid;

	ScanKeyInit(&key, get_attnum(catalog_oid, "shardid"), BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(number));
	scan = systable_beginscan(catalog, citus_catalog("pg_dist_shard_shardid_index"), true, NULL, 1, &key);
	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = DatumGetObjectId(value_of(tuple, catalog, "logicalrelid"));
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return result;
}

/*
 * citus_shard_of
 *		The relation that a table of this machine is a shard of; InvalidOid if it is none.
 *
 * A shard stands in the schema of its relation.  Of a long name Citus keeps the beginning.
 */
Oid
citus_shard_of(Oid relid)
{
	Oid			catalog_oid = citus_catalog("pg_dist_shard");
	char	   *name = OidIsValid(catalog_oid) ? get_rel_name(relid) : NULL;
	char	   *whole;
	size_t		stem;
	int64		number;
	Oid			result;

	if (name == NULL || (number = shard_number(name, &stem)) < 0)
		return InvalidOid;
	result = relation_of_shard(catalog_oid, number);
	if (!OidIsValid(result) || result == relid || (whole = get_rel_name(result)) == NULL ||
		get_rel_namespace(result) != get_rel_namespace(relid))
		return InvalidOid;
	if (strlen(whole) == stem ? strncmp(name, whole, stem) == 0 :
		strlen(whole) + strlen(name) - stem >= NAMEDATALEN && strncmp(name, whole, NAMEDATALEN / 2) == 0)
		return result;
	return InvalidOid;
}

/* dp_agg.shard_of(relation): the same, NULL for InvalidOid. */
PGDLLEXPORT Datum
dp_shard_of(PG_FUNCTION_ARGS)
{
	Oid			result = citus_shard_of(PG_GETARG_OID(0));

	if (!OidIsValid(result))
		PG_RETURN_NULL();
	PG_RETURN_OID(result);
}

/*
 * citus_keep_here
 *		Until the GUC nest level that is returned ends (AtEOXact_GUC), Citus takes no DDL to its workers.
 *
 * It would send it over a connection of the current user's.  Where that is not the user of the statement around it, that
 * one has locked there what this one needs, and neither gets on.
 */
int
citus_keep_here(void)
{
	int			level = NewGUCNestLevel();

	if (citus_present())
		(void) set_config_option("citus.enable_ddl_propagation", "off", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

/*
 * citus_check_coordinator
 *		Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE on a machine that serves a coordinator.
 *
 * What is protected, and who may spend what, is said on the coordinator: Citus takes labels from
 * there to its other machines, and the ledger is in one place.
 */
void
citus_check_coordinator(void)
{
	if (citus_is_worker())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this server is a worker of Citus: what is protected, and who may spend what, is said on the coordinator"),
				 errhint("Connect to the coordinator: SELECT nodename, nodeport FROM pg_dist_node WHERE groupid = 0 names it.")));
}

/* dp_agg.check_coordinator() */
PGDLLEXPORT Datum
dp_check_coordinator(PG_FUNCTION_ARGS)
{
	citus_check_coordinator();
	PG_RETURN_VOID();
}
