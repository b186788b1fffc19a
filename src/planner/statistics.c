/*
 * statistics.c
 *		What the planner knows of protected relations while it plans releases.
 *
 * What the planner chooses can be seen: whether a statement is in parallel mode, how many
 * workers it starts, and, by moving a setting until a choice flips, the estimate that the
 * choice rests on.  So a choice may rest only on what everybody may know: declarations and
 * the sizes of whole tables, as pg_class and pg_relation_size() show them.  Withheld are
 *
 * - statistics of columns, of expressions in indexes, extended ones, average widths: in
 *   their place stands what the DBA has declared, as a tuple like those of pg_statistic;
 * - ends of indexes, which the planner would look up, and what access methods know of the
 *   inside of an index: to the planner, indexes here are hypothetical;
 * - sizes and heights of indexes: reckoned from the size of the table;
 * - partial indexes, whose sizes count rows: left out;
 * - what a foreign server says about the rows that it would return.
 *
 * That rows lie on disk in the order of a column is told by a BRIN index, if the DBA has also
 * declared that releases may look rows up by it (look_ups.c).
 *
 * All of this holds for statements that have releases; others are planned as ever.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/itup.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "foreign/fdwapi.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "core/compat.h"
#include "planner/statistics.h"
#include "policy/cache.h"
#include "policy/enforced.h"
#include "policy/policy.h"
#include "spec/domain.h"
#include "spec/spec.h"

/*
 * A column of whole numbers is taken to have all values between its bounds, if the bounds
 * are no further apart than this.
 */
#define MOST_LISTED_VALUES 10000

#define INDEX_FILL 0.9			/* share of an index's pages that is in use */
#define EXPRESSION_WIDTH 16		/* bytes of an expression in an index */

/* Pages of a table for each entry of a BRIN index. */
#define BRIN_RANGE 128

#define FOREIGN_ROWS 1000		/* rows of a foreign table that was never analyzed */
#define FOREIGN_STARTUP_COST 100.0	/* cost of asking for them, in the planner's units */

/* ----------
 * Columns
 * ----------
 */

/* The number of values of an enum. */
static double
number_of_labels(Oid type)
{
	CatCList   *labels = SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(type));
	double		result = labels->n_members;

	ReleaseSysCacheList(labels);
	return result;
}

/* Are values of the type whole numbers, in the unit of bounds? */
static bool
is_whole_number(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID || type == DATEOID;
}

/*
 * The number of different values of a column, as pg_statistic.stadistinct puts it; 0 if
 * nothing tells it.
 *
 * For the unit that is minus one over the number of rows of an individual.  It has from one
 * row to max_groups * max_rows that count: the geometric mean of the two is taken.
 */
static float4
declared_distinct(const ProtectedRelation *rel, AttrNumber attno, Oid type,
				  const ColumnBounds *bounds)
{
	const ColumnDomain *domain = policy_domain(rel, attno);

	if (policy_is_unit(rel, attno))
		return (float4) (-1 / sqrt((double) Max(rel->max_groups, 1) * Max(rel->max_rows, 1)));
	if (domain != NULL)
		return domain->nkeys;
	if (type == BOOLOID)
		return 2;
	if (type_is_enum(type))
		return (float4) number_of_labels(type);
	if (bounds != NULL && is_whole_number(type) &&
		bounds->upper - bounds->lower < MOST_LISTED_VALUES)
		return (float4) (floor(bounds->upper) - ceil(bounds->lower) + 1);
	return 0;
}

/* The descriptor of rows of pg_statistic, kept for the session. */
static TupleDesc
statistic_descriptor(void)
{
	static TupleDesc descriptor = NULL;

	if (descriptor == NULL)
	{
		Relation	relation = table_open(StatisticRelationId, AccessShareLock);
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		descriptor = CreateTupleDescCopy(RelationGetDescr(relation));
		MemoryContextSwitchTo(old);
		table_close(relation, AccessShareLock);
	}
	return descriptor;
}

/* Puts the bounds of a column where its histogram would be, as one of two values. */
static void
set_histogram(Datum *values, bool *nulls, Oid type, const ColumnBounds *bounds)
{
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_LT_OPR);
	Datum		ends[2] = {domain_datum(type, bounds->lower), domain_datum(type, bounds->upper)};

	values[Anum_pg_statistic_stakind1 - 1] = Int16GetDatum(STATISTIC_KIND_HISTOGRAM);
	values[Anum_pg_statistic_staop1 - 1] = ObjectIdGetDatum(entry->lt_opr);
	values[Anum_pg_statistic_stavalues1 - 1] =
		PointerGetDatum(construct_array(ends, lengthof(ends), type, entry->typlen,
										entry->typbyval, entry->typalign));
	nulls[Anum_pg_statistic_stavalues1 - 1] = false;
}

/*
 * Does a BRIN index cover the column?  Whoever makes one says by it that rows lie on disk in the order
 * of the column; otherwise the index would be of no use.
 */
static bool
has_brin_index(Oid relid, AttrNumber attnum)
{
	Relation	relation = table_open(relid, AccessShareLock);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(relation))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
			found = found || (index->rd_rel->relam == BRIN_AM_OID &&
							  index->rd_index->indkey.values[i] == attnum);
		index_close(index, AccessShareLock);
	}
	table_close(relation, AccessShareLock);
	return found;
}

/* Says that rows lie on disk in the order of the column. */
static void
set_correlation(Datum *values, bool *nulls, Oid type)
{
	Datum		one = Float4GetDatum(1);

	values[Anum_pg_statistic_stakind2 - 1] = Int16GetDatum(STATISTIC_KIND_CORRELATION);
	values[Anum_pg_statistic_staop2 - 1] =
		ObjectIdGetDatum(lookup_type_cache(type, TYPECACHE_LT_OPR)->lt_opr);
	values[Anum_pg_statistic_stanumbers2 - 1] =
		PointerGetDatum(construct_array(&one, 1, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
	nulls[Anum_pg_statistic_stanumbers2 - 1] = false;
}

/* What is declared about a column as a tuple of pg_statistic; NULL if nothing is. */
HeapTuple
declared_statistics(const ProtectedRelation *rel, Oid relid, AttrNumber attnum)
{
	Datum		values[Natts_pg_statistic] = {0};
	bool		nulls[Natts_pg_statistic] = {0};
	AttrNumber	labelled;
	const ColumnBounds *bounds;
	HeapTuple	attribute;
	Form_pg_attribute att;
	Oid			type;
	float4		distinct;
	bool		not_null;
	bool		in_order;

	labelled = attnum > 0 ? policy_labelled_column(rel, relid, attnum) : InvalidAttrNumber;
	if (labelled == InvalidAttrNumber)
		return NULL;
	attribute = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(attnum));
	if (!HeapTupleIsValid(attribute))
		return NULL;
	att = (Form_pg_attribute) GETSTRUCT(attribute);
	type = getBaseType(att->atttypid);
	not_null = att->attnotnull;
	ReleaseSysCache(attribute);

	bounds = policy_bounds(rel, labelled);
	if (bounds != NULL && domain_of_type(type) == SPEC_ARG_ANY)
		bounds = NULL;			/* labels may be written by hand */
	distinct = declared_distinct(rel, labelled, type, bounds);
	in_order = policy_column_indexed(rel, labelled) && has_brin_index(relid, attnum);
	if (distinct == 0 && bounds == NULL && !not_null && !in_order)
		return NULL;

	values[Anum_pg_statistic_starelid - 1] = ObjectIdGetDatum(relid);
	values[Anum_pg_statistic_staattnum - 1] = Int16GetDatum(attnum);
	values[Anum_pg_statistic_stanullfrac - 1] =
		Float4GetDatum(not_null ? 0 : (float4) DEFAULT_UNK_SEL);
	values[Anum_pg_statistic_stadistinct - 1] = Float4GetDatum(distinct);
	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++)
	{
		nulls[Anum_pg_statistic_stanumbers1 - 1 + i] = true;
		nulls[Anum_pg_statistic_stavalues1 - 1 + i] = true;
	}
	if (bounds != NULL)
		set_histogram(values, nulls, type, bounds);
	if (in_order)
		set_correlation(values, nulls, type);
	return heap_form_tuple(statistic_descriptor(), values, nulls);
}

/* The width that a column's values are taken to have, in bytes: what its type tells. */
int32
declared_width(Oid relid, AttrNumber attnum)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	return get_typavgwidth(type, typmod);
}

/* ----------
 * Indexes
 * ----------
 */

/* Bytes that an entry of an index takes, by the types of its columns. */
static double
width_of_entry(const IndexOptInfo *index, Oid relid)
{
	Size		width = sizeof(IndexTupleData);

	for (int i = 0; i < index->ncolumns; i++)
		width += index->indexkeys[i] > 0 ?
			declared_width(relid, index->indexkeys[i]) : EXPRESSION_WIDTH;
	return MAXALIGN(width) + sizeof(ItemIdData);
}

/*
 * Gives an index the size that any index on columns of these types of a table of this size
 * would have.  It stays unique only if it is so for the active snapshot: a plan that relies on
 * that takes the first row that it meets.
 */
static void
reckon_index(IndexOptInfo *index, Oid relid, const RelOptInfo *rel)
{
	double		entries = index->relam == BRIN_AM_OID ? rel->pages / BRIN_RANGE : rel->tuples;
	double		per_page = Max(BLCKSZ * INDEX_FILL / width_of_entry(index, relid), 2);

	index->pages = (BlockNumber) Min(1 + ceil(Max(entries, 0) / per_page), MaxBlockNumber);
	index->tuples = rel->tuples;
	if (index->tree_height >= 0)
	{
		index->tree_height = 0;
		for (double pages = index->pages; pages > per_page; pages /= per_page)
			index->tree_height++;
	}
	index->hypothetical = true;
	index->unique = index->unique && ActiveSnapshotSet() &&
		policy_still_unique(index->indexoid, GetActiveSnapshot());
}

/* ----------
 * Foreign tables
 * ----------
 */

/*
 * GetForeignRelSize of a protected table: the wrapper's own, and then estimates of ours in
 * place of its own, for which it may have asked its server how many rows match.
 */
static void
foreign_size(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	double		tuples = rel->tuples > 0 ? rel->tuples : FOREIGN_ROWS;

	GetFdwRoutineByRelId(relid)->GetForeignRelSize(root, rel, relid);
	rel->tuples = tuples;
	set_baserel_size_estimates(root, rel);
}

/*
 * GetForeignPaths of a protected table: the wrapper's own, of whose paths one remains, which
 * scans the table as a whole and in no order, at a cost that follows from the number of its
 * rows.
 */
static void
foreign_paths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	ListCell   *lc;

	GetFdwRoutineByRelId(relid)->GetForeignPaths(root, rel, relid);
	foreach(lc, rel->pathlist)
	{
		Path	   *path = lfirst(lc);

		if (path->param_info != NULL && list_length(rel->pathlist) > 1)
			continue;
		path->pathkeys = NIL;
		path->rows = rel->rows;
		path->startup_cost = FOREIGN_STARTUP_COST + rel->baserestrictcost.startup;
		path->total_cost = path->startup_cost +
			(cpu_tuple_cost + rel->baserestrictcost.per_tuple) * rel->tuples;
		rel->pathlist = list_make1(path);
		break;
	}
	rel->partial_pathlist = NIL;
}

/*
 * Has the wrapper of a foreign table estimate as we say, and offers it no joins and
 * aggregations (nodes/release/recheck.c).
 */
static void
reckon_foreign(RelOptInfo *rel)
{
	FdwRoutine *routine = rel->fdwroutine;	/* a copy of our own, see plancat.c */

	routine->GetForeignRelSize = foreign_size;
	routine->GetForeignPaths = foreign_paths;
	routine->GetForeignJoinPaths = NULL;
	routine->GetForeignUpperPaths = NULL;
}

/* ----------
 * Relations
 * ----------
 */

/*
 * Removes from what the planner has found out about a protected relation whatever tells
 * about rows; for get_relation_info_hook, while releases are planned.  Nor is it told which columns
 * are declared NOT NULL: it would leave out the tests of a unit that policy/enforced.c does not
 * believe to be there, as in foreign tables and for old snapshots.
 */
void
withhold_statistics(Oid relid, RelOptInfo *rel)
{
	List	   *kept = NIL;
	ListCell   *lc;

	rel->statlist = NIL;
	DP_FORGET_NOT_NULL(rel);
	foreach(lc, rel->indexlist)
	{
		IndexOptInfo *index = lfirst_node(IndexOptInfo, lc);

		if (index->indpred != NIL)
			continue;
		reckon_index(index, relid, rel);
		kept = lappend(kept, index);
	}
	rel->indexlist = kept;
	if (rel->fdwroutine != NULL)
		reckon_foreign(rel);
}

/*
 * Lets the planner believe in those unique indexes of a public relation, below a release, that are so for
 * the active snapshot, and returns them (Oids), to be asked for again when the release begins.  In a
 * snapshot from before an index was built there may be several rows with one key, and EXISTS, which
 * becomes a join if there is one, would count an individual once for each of them.
 */
List *
believe_unique_indexes(RelOptInfo *rel)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, rel->indexlist)
	{
		IndexOptInfo *index = lfirst_node(IndexOptInfo, lc);

		if (!index->unique)
			continue;
		index->unique = ActiveSnapshotSet() &&
			policy_still_unique(index->indexoid, GetActiveSnapshot());
		if (index->unique)
			result = lappend_oid(result, index->indexoid);
	}
	return result;
}

/*
 * Hides partial indexes of a relation that is not protected from a statement with releases:
 * their predicates, which may call anything, would be evaluated with rows below a release
 * when a bitmap scan rechecks them.
 */
void
hide_partial_indexes(RelOptInfo *rel)
{
	List	   *kept = NIL;
	ListCell   *lc;

	foreach(lc, rel->indexlist)
	{
		if (lfirst_node(IndexOptInfo, lc)->indpred == NIL)
			kept = lappend(kept, lfirst(lc));
	}
	rel->indexlist = kept;
}
