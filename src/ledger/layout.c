/*
 * layout.c
 *		Opens tables of the ledger that are as they were installed.
 *
 * The code of the ledger knows columns by their place and type.  Whoever owns the tables can
 * drop a column, give it another type or let it be NULL, and what is read by place would then
 * be taken for something that it is not.  Columns that somebody has added at the end do no
 * harm.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/rel.h"

#include "core/errors.h"
#include "ledger/layout.h"
#include "ledger/tables.h"
#include "policy/extension.h"

/* A column of the install script. */
typedef struct Column
{
	const char *name;
	Oid			type;
	bool		not_null;
} Column;

/* A table of the install script. */
typedef struct Layout
{
	const char *table;
	const Column *columns;
	int			ncolumns;
} Layout;

static const Column account_columns[] =
{
	{"role", REGROLEOID, true},
	{"population", NAMEOID, true},
	{"epsilon_limit", INT8OID, true},
	{"epsilon_spent", INT8OID, true},
	{"delta_limit", INT8OID, true},
	{"delta_spent", INT8OID, true},
	{"max_epsilon_per_query", INT8OID, false},
	{"period", INTERVALOID, false},
	{"period_anchor", TIMESTAMPTZOID, false},
	{"renews_at", TIMESTAMPTZOID, false},
	{"accountant", TEXTOID, true},
	{"epsilon_lifetime", NUMERICOID, true},
	{"delta_lifetime", NUMERICOID, true},
	{"min_epsilon_per_query", INT8OID, false},
	{"max_releases", INT8OID, false},
	{"releases_spent", INT8OID, true},
	{"rho_limit", INT8OID, false},
	{"rho_spent", INT8OID, true},
	{"rho_lifetime", NUMERICOID, true},
	{"max_epsilon_lifetime", INT8OID, false},
	{"max_rho_lifetime", INT8OID, false}
};

/* Who it was, and when: what every entry says after its number. */
#define WHO_COLUMNS \
	{"at", TIMESTAMPTZOID, true}, \
	{"session_role", NAMEOID, true}, \
	{"current_role", NAMEOID, true}, \
	{"session_id", OIDOID, true}, \
	{"current_id", OIDOID, true}, \
	{"cluster", INT8OID, true}

/* What was done to an account, whether or not it is chained yet. */
#define CHANGE_COLUMNS \
	{"role", NAMEOID, true}, \
	{"role_id", OIDOID, true}, \
	{"population", NAMEOID, true}, \
	{"before", TEXTOID, false}, \
	{"after", TEXTOID, false}

static const Column release_columns[] =
{
	{"id", INT8OID, true},
	WHO_COLUMNS,
	{"population", NAMEOID, true},
	{"relations", TEXTOID, true},
	{"query", TEXTOID, true},
	{"fingerprint", BYTEAOID, true},
	{"epsilon", INT8OID, true},
	{"delta", INT8OID, true},
	{"outputs", TEXTOID, true},
	{"tier", TEXTOID, false},
	{"reused", BOOLOID, true},
	{"prev_hash", BYTEAOID, true},
	{"hash", BYTEAOID, true},
	{"accounts", TEXTOID, true},
	{"codes", TEXTOID, true}
};

static const Column raw_read_columns[] =
{
	{"id", INT8OID, true},
	WHO_COLUMNS,
	{"population", NAMEOID, false},
	{"relation", TEXTOID, true},
	{"columns", TEXTOID, true},
	{"query", TEXTOID, true},
	{"fingerprint", BYTEAOID, true},
	{"tier", TEXTOID, false},
	{"codes", TEXTOID, true},
	{"prev_hash", BYTEAOID, true},
	{"hash", BYTEAOID, true}
};

static const Column account_change_columns[] =
{
	{"id", INT8OID, true},
	WHO_COLUMNS,
	CHANGE_COLUMNS,
	{"prev_hash", BYTEAOID, true},
	{"hash", BYTEAOID, true}
};

static const Column account_change_waiting_columns[] =
{
	{"number", INT8OID, true},
	WHO_COLUMNS,
	CHANGE_COLUMNS
};

static const Column ledger_head_columns[] =
{
	{"single", BOOLOID, true},
	{"id", INT8OID, true},
	{"hash", BYTEAOID, true}
};

static const Column ledger_archive_columns[] =
{
	{"first_id", INT8OID, true},
	{"last_id", INT8OID, true},
	{"prev_hash", BYTEAOID, true},
	{"hash", BYTEAOID, true}
};

static const Column reuse_columns[] =
{
	{"population", NAMEOID, true},
	{"lasts", INTERVALOID, true},
	{"refreshed_at", TIMESTAMPTZOID, true}
};

static const Column answer_columns[] =
{
	{"release", BYTEAOID, true},
	{"population", NAMEOID, true},
	{"made_at", TIMESTAMPTZOID, true},
	{"outputs", BYTEAOID, true},
	{"content", BYTEAOID, true}
};

#define LAYOUT(name) {#name, name##_columns, lengthof(name##_columns)}

static const Layout layouts[] =
{
	LAYOUT(account),
	LAYOUT(release),
	LAYOUT(raw_read),
	LAYOUT(account_change),
	LAYOUT(account_change_waiting),
	LAYOUT(ledger_head),
	LAYOUT(ledger_archive),
	LAYOUT(reuse),
	LAYOUT(answer)
};

/* The layout of a table; elog if there is no such table. */
static const Layout *
find_layout(const char *name)
{
	for (int i = 0; i < (int) lengthof(layouts); i++)
	{
		if (strcmp(layouts[i].table, name) == 0)
			return &layouts[i];
	}
	elog(ERROR, "the ledger has no table \"%s\"", name);
}

/* Is the column in that place as it was installed? */
static bool
column_holds(TupleDesc desc, int place, const Column *column)
{
	Form_pg_attribute attribute;

	if (place >= desc->natts)
		return false;
	attribute = TupleDescAttr(desc, place);
	return !attribute->attisdropped && attribute->atttypid == column->type &&
		attribute->attnotnull >= column->not_null &&
		strcmp(NameStr(attribute->attname), column->name) == 0;
}

/* Raises ERRCODE_DP_LEDGER if one of the first n columns of the table is not as it was installed. */
static void
check_columns(Relation rel, const Layout *layout, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (!column_holds(RelationGetDescr(rel), i, &layout->columns[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DP_LEDGER),
					 errmsg("column \"%s\" of table \"%s\" of the ledger is not as it was installed",
							layout->columns[i].name, layout->table),
					 errdetail("It was dropped, renamed, given another type, or may be null now."),
					 errhint("Restore the table from a backup.")));
	}
}

/*
 * ledger_open
 *		Opens a table of the ledger, as "account" or "release", like table_open().
 *
 * ERRCODE_DP_LEDGER if it is missing or of another version of the extension, if a column is not as
 * it was installed, or if the table would not survive a crash.  elog for any other name.
 */
Relation
ledger_open(const char *name, LOCKMODE lockmode)
{
	Relation	rel;

	extension_check_version();
	rel = table_open(ledger_table_needed(name), lockmode);
	check_columns(rel, find_layout(name), find_layout(name)->ncolumns);
	if (rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
		ereport(ERROR,
				(errcode(ERRCODE_DP_LEDGER),
				 errmsg("table \"%s\" of the ledger is not logged", name),
				 errdetail("What was written to it would be lost in a crash."),
				 errhint("Use ALTER TABLE ... SET LOGGED.")));
	return rel;
}

/*
 * ledger_open_holders
 *		Opens the table of accounts for its columns "role" and "population" alone, which are its first
 *		two in every version of the extension.
 *
 * So that who is an analyst is known while the extension and the library are of different
 * versions.  ERRCODE_DP_LEDGER if the table is missing or has no such columns.
 */
Relation
ledger_open_holders(LOCKMODE lockmode)
{
	Relation	rel = table_open(ledger_table_needed("account"), lockmode);

	check_columns(rel, find_layout("account"), Anum_account_population);
	return rel;
}

/* ledger_has_rows: does the snapshot see any row in a table of the ledger?  Errors as ledger_open(). */
bool
ledger_has_rows(const char *name, Snapshot snapshot)
{
	Relation	rel = ledger_open(name, AccessShareLock);
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, snapshot, 0, NULL);
	bool		found = HeapTupleIsValid(systable_getnext(scan));

	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}
