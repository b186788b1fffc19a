/*
 * tables.c
 *		Finds the tables of the ledger.
 *
 * A table counts only if it is a member of the extension: in a database without the
 * extension anybody may own a schema of the same name.
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "core/errors.h"
#include "ledger/tables.h"

/*
 * The tables that were found, until one of them or a schema changes.  That there is no
 * extension is not remembered, because no invalidation tells when it is created.  Only
 * the owner of the extension can take a table out of it; sessions that have found the
 * table keep to it.
 */
static struct
{
	const char *name;
	Oid			oid;
}			tables[] =
{
	{"account", InvalidOid},
	{"release", InvalidOid},
	{"raw_read", InvalidOid},
	{"account_change", InvalidOid},
	{"account_change_waiting", InvalidOid},
	{"ledger_head", InvalidOid},
	{"ledger_archive", InvalidOid},
	{"reuse", InvalidOid},
	{"answer", InvalidOid},
};

/* Number of changes so far: what a search finds while one comes in is not remembered. */
static uint64 changes = 0;

/* Forgets a table, or all of them for InvalidOid. */
static void
forget_table(Oid relid)
{
	changes++;
	for (int i = 0; i < (int) lengthof(tables); i++)
	{
		if (!OidIsValid(relid) || tables[i].oid == relid)
			tables[i].oid = InvalidOid;
	}
}

static void
relcache_callback(Datum arg, Oid relid)
{
	forget_table(relid);
}

static void
schema_callback(Datum arg, int cacheid, uint32 hashvalue)
{
	forget_table(InvalidOid);
}

/* Registers the invalidation callbacks; called once from _PG_init. */
void
ledger_init_cache(void)
{
	CacheRegisterRelcacheCallback(relcache_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, schema_callback, (Datum) 0);
}

/* Looks a table of the ledger up in the catalogs; InvalidOid if it is not there. */
static Oid
find_table(const char *name)
{
	Oid			extension = get_extension_oid("dp_agg", true);
	Oid			schema = get_namespace_oid("dp_agg", true);
	Oid			table;

	if (!OidIsValid(extension) || !OidIsValid(schema))
		return InvalidOid;
	table = get_relname_relid(name, schema);
	if (!OidIsValid(table) || get_rel_relkind(table) != RELKIND_RELATION ||
		getExtensionOfObject(RelationRelationId, table) != extension)
		return InvalidOid;
	return table;
}

/*
 * ledger_table
 *		OID of a table of the ledger, as "account" or "release"; InvalidOid if the
 *		extension is not installed in this database.  elog for any other name.
 */
Oid
ledger_table(const char *name)
{
	uint64		before = changes;
	int			i = 0;
	Oid			table;

	while (strcmp(tables[i].name, name) != 0)
	{
		if (++i == (int) lengthof(tables))
			elog(ERROR, "the ledger has no table \"%s\"", name);
	}
	if (OidIsValid(tables[i].oid))
		return tables[i].oid;
	table = find_table(name);
	if (changes == before)
		tables[i].oid = table;
	return table;
}

/*
 * ledger_table_needed
 *		The same, but ERRCODE_DP_LEDGER if there is no such table.
 */
Oid
ledger_table_needed(const char *name)
{
	Oid			table = ledger_table(name);

	if (!OidIsValid(table))
		ereport(ERROR,
				(errcode(ERRCODE_DP_LEDGER),
				 errmsg("table \"%s\" of the ledger is missing", name)));
	return table;
}

/*
 * ledger_begin_account
 *		Begins a scan for the account of a role on a population, or (InvalidOid) for the cap of the
 *		population, as systable_beginscan() does (genam.c); by the primary key if it is there.
 *
 * account is the table, open; snapshot may be NULL for one as of catalogs.  The name
 * must live as long as the scan.
 */
SysScanDesc
ledger_begin_account(Relation account, const NameData *population, Oid role, Snapshot snapshot)
{
	Oid			index = get_relname_relid("account_pkey", RelationGetNamespace(account));
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0], Anum_account_population, BTEqualStrategyNumber, F_NAMEEQ,
				NameGetDatum(population));
	ScanKeyInit(&keys[1], Anum_account_role, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role));
	return systable_beginscan(account, index, OidIsValid(index), snapshot, 2, keys);
}
