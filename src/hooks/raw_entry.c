/*
 * raw_entry.c
 *		What the ledger's entry of a raw read says.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/heap.h"
#include "catalog/pg_class.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "hooks/raw_entry.h"
#include "policy/cache.h"
#include "policy/policy.h"
#include "tier/facts.h"
#include "tier/grade.h"

/* Bytes of the names of columns in an entry; those that are left out are counted. */
#define COLUMNS_ROOM 1024

/* Is the attribute, a number of the relation's, touched?  A whole row touches all columns. */
static bool
is_touched(const Bitmapset *columns, AttrNumber attno)
{
	return bms_is_member(attno - FirstLowInvalidHeapAttributeNumber, columns) ||
		(attno > 0 && bms_is_member(InvalidAttrNumber - FirstLowInvalidHeapAttributeNumber, columns));
}

/* Appends a column's name, or counts it if there is no room. */
static void
append_column(StringInfo names, const char *name, int *left_out)
{
	const char *quoted = quote_identifier(name);

	if (*left_out > 0 || names->len + strlen(quoted) + 2 > COLUMNS_ROOM)
		(*left_out)++;
	else
		appendStringInfo(names, "%s%s", names->len > 0 ? ", " : "", quoted);
}

/*
 * The names of the columns that are touched, in the relation's order: those that are
 * classified, then others, as many as there is room for.
 */
static char *
name_columns(const RawRead *read, TupleDesc columns, Bitmapset *classified)
{
	StringInfoData names;
	int			left_out = 0;

	initStringInfo(&names);
	for (int pass = 0; pass < 2; pass++)
	{
		for (AttrNumber attno = 1; attno <= columns->natts; attno++)
		{
			Form_pg_attribute column = TupleDescAttr(columns, attno - 1);

			if (!column->attisdropped && is_touched(read->columns, attno) &&
				bms_is_member(attno, classified) == (pass == 0))
				append_column(&names, NameStr(column->attname), &left_out);
		}
	}
	for (AttrNumber attno = -1; attno > FirstLowInvalidHeapAttributeNumber; attno--)
	{
		if (is_touched(read->columns, attno))
			append_column(&names, NameStr(SystemAttributeDefinition(attno)->attname), &left_out);
	}
	if (left_out > 0)
		appendStringInfo(&names, ", and %d more", left_out);
	return names.data;
}

/*
 * Which of the touched columns are classified in any of the relations that are scanned, and
 * what they reveal.  Columns of children are found by their names.
 */
static TierCodes
judge_columns(const RawRead *read, TupleDesc columns, Bitmapset **classified)
{
	TierCodes	codes = 0;
	ListCell   *lc;

	foreach(lc, read->scanned)
	{
		Oid			relid = lfirst_oid(lc);

		for (AttrNumber attno = 1; attno <= columns->natts; attno++)
		{
			Form_pg_attribute column = TupleDescAttr(columns, attno - 1);
			const TierColumn *class;

			if (column->attisdropped || !is_touched(read->columns, attno))
				continue;
			class = policy_class(relid, relid == read->relid ? attno :
								 get_attnum(relid, NameStr(column->attname)));
			if (class == NULL)
				continue;
			codes |= TIER_BIT(tier_of_column(class));
			*classified = bms_add_member(*classified, attno);
		}
	}
	/* rows are counted, or columns read that nobody has classified */
	return codes != 0 ? codes : TIER_BIT(TIER_ORDINARY);
}

/* The protection of the relation, or of one that is scanned for it; NULL if there is none. */
static const ProtectedRelation *
protection_of(const RawRead *read)
{
	const ProtectedRelation *rel = policy_lookup(read->relid);
	ListCell   *lc;

	foreach(lc, read->scanned)
	{
		if (rel == NULL)
			rel = policy_lookup(lfirst_oid(lc));
	}
	return rel;
}

/* How many rows a relation had when it was last looked through; -1 if it never was. */
static double
rows_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	double		rows;

	if (!HeapTupleIsValid(tuple))
		return -1;
	rows = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	ReleaseSysCache(tuple);
	return rows;
}

/*
 * The scale of a read: as for a release, how many individuals are covered, and not how many match a
 * condition.  They are as many as are declared, else at most as many as there are rows.
 */
static TierCodes
judge_scale(const RawRead *read, const ProtectedRelation *rel)
{
	double		rows = 0;
	ListCell   *lc;

	if (rel != NULL && rel->individuals > 0)
		return tier_with_scale(0, (double) rel->individuals);
	foreach(lc, read->scanned)
	{
		double		more = rows_of(lfirst_oid(lc));

		if (more < 0)
			return TIER_BIT(TIER_UNKNOWN_SCALE);
		rows += more;
	}
	return tier_with_scale(0, rows);
}

/*
 * The entry of a read: population, relation, columns, and the codes that its tier follows from.
 */
LedgerRead *
raw_entry(const RawRead *read)
{
	LedgerRead *entry = palloc0(sizeof(LedgerRead));
	Relation	relation = RelationIdGetRelation(read->relid);
	const ProtectedRelation *rel = protection_of(read);
	Bitmapset  *classified = NULL;

	if (!RelationIsValid(relation))
		elog(ERROR, "could not open relation with OID %u", read->relid);
	if (rel != NULL)
		entry->population = rel->population;
	entry->relation = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
												 RelationGetRelationName(relation));
	entry->codes = judge_columns(read, RelationGetDescr(relation), &classified) |
		tier_of_session() | judge_scale(read, rel);
	entry->columns = name_columns(read, RelationGetDescr(relation), classified);
	RelationClose(relation);
	return entry;
}
