/*
 * shards.c
 *		Releases over tables of Citus: their rows stay where they are.
 *
 * Citus divides a table into shards by the hash of one column.  Where that column is the
 * individual's, or one of several, all rows of an individual are in the same shard of each table, and
 * what it contributes can be bounded there.  So the query R of a release (rewrite.c) is taken apart:
 *
 *		SELECT keys, bound(head, params, unit, x...), bound_sketch(head, params, i, x)...
 *		FROM ... GROUP BY keys, column of the unit
 *
 * is its piece.  Citus hands it to each shard as it is, since it groups by the column that divides the tables
 * (and would do so with no other query that aggregates).  There piece.c drops that from GROUP BY, and
 * the bounding node does its work.  What comes back are states of groups.  What is left of R is
 *
 *		SELECT keys, bound(spec, params), bound_sketch(spec, params, i, NULL)..., output(...)...
 *		FROM shards() AS (keys) GROUP BY keys
 *
 * whose aggregation combines these states, as it does those of parallel workers; the function is never called,
 * its place is taken by a node (nodes/shards/node.c).  On top of that stands the release node, as ever.
 *
 * That rests on an individual's rows being in one piece:
 *
 * - The unit must be a column that divides a table of the query, also through sub-selects: then each
 *   row of the piece is one of the shard where that individual is.
 * - All tables that are divided must be divided alike, and those that are not protected be joined by
 *   that column: otherwise Citus may compute a sub-select first, and hand its rows to all pieces.
 *   piece.c looks once more at what has arrived.
 * - Where no table is divided (reference tables, local tables of the coordinator) there is one piece.
 *
 * What the tables are to Citus is looked at when the query is planned; Citus invalidates plans when it changes.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "core/names.h"
#include "core/refusals.h"
#include "policy/cache.h"
#include "policy/citus.h"
#include "policy/extension.h"
#include "policy/travel_types.h"
#include "query/checks.h"
#include "query/collectors.h"
#include "query/constants.h"
#include "query/equalities.h"
#include "query/planning.h"
#include "query/queries.h"
#include "query/refuse.h"
#include "query/shards.h"
#include "query/shards_in.h"
#include "query/shards_released.h"
#include "query/unique.h"
#include "query/walk.h"

/* ----------
 * What is read
 * ----------
 */

/* A list of the relations (Oids) that a query reads, at any depth. */
static bool
relations_walker(Node *node, List **relids)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		if (rte->rtekind == RTE_RELATION && rte->relkind != RELKIND_VIEW)
			*relids = list_append_unique_oid(*relids, rte->relid);
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, relations_walker, relids,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, relations_walker, relids);
}

static List *
relations_of(Query *query)
{
	List	   *result = NIL;

	(void) relations_walker((Node *) query, &result);
	return result;
}

/* Does a query read a table that Citus knows? */
bool
reads_spread(Query *query)
{
	ListCell   *lc;

	if (!citus_present())
		return false;
	foreach(lc, relations_of(query))
	{
		if (citus_table(lfirst_oid(lc)).kind != CITUS_LOCAL)
			return true;
	}
	return false;
}

/*
 * Refuses what Citus would compute first, and hand to all pieces, if it reads protected rows, which would be kept on the
 * way and counted where they are read, or if other machines might be asked for it: there it is a superuser's query like any
 * other, and planned with all rights (policy/powerless.h).
 */
void
check_computed_first(Query *query)
{
	ListCell   *lc;

	foreach(lc, relations_of(query))
	{
		Oid			relid = lfirst_oid(lc);
		CitusKind	kind = citus_table(relid).kind;

		if (policy_lookup(relid) != NULL)
			refuse_with_reason(REFUSE_SHARDS_PLAN,
							   "Citus would compute a part of it first, by itself, and send protected rows to all machines.");
		if (kind == CITUS_LOCAL || kind == CITUS_MANAGED ||
			(kind == CITUS_REFERENCE && is_table_of_superuser(relid)))
			continue;
		refuse_with_reason(REFUSE_SHARDS_PLAN,
						   psprintf("Citus would compute a part of it first, from table %s.", relation_for_message(relid)));
	}
}

/* ----------
 * What is read outside of releases
 * ----------
 */

/* A call of shards(), which a client cannot make (see call_of_rewriter()). */
static FuncExpr *
call_of_shards(int number)
{
	FuncExpr   *call = makeFuncExpr(extension_oid(DP_FUNC_SHARDS, InvalidOid), RECORDOID,
									list_make1(int4_const(number)), InvalidOid, InvalidOid,
									COERCE_SQL_SYNTAX);

	call->funcretset = true;
	return call;
}

/*
 * The number of the query (planning_rows()) whose rows an entry of FROM stands for, if read_spread_outside() has made it;
 * 0 for any other.
 */
int
number_of_rows(RangeTblEntry *rte)
{
	RangeTblFunction *function;
	FuncExpr   *call;

	if (rte->rtekind != RTE_FUNCTION || list_length(rte->functions) != 1)
		return 0;
	function = linitial(rte->functions);
	call = (FuncExpr *) function->funcexpr;
	if (!IsA(call, FuncExpr) || call->funcformat != COERCE_SQL_SYNTAX ||
		extension_function(call->funcid) != DP_FUNC_SHARDS)
		return 0;
	return DatumGetInt32(linitial_node(Const, call->args)->constvalue);
}

/* Gives an entry of FROM a column; returns it. */
static Node *
add_column(RangeTblEntry *rte, RangeTblFunction *function, const char *name, Oid type, int32 typmod,
		   Oid collation)
{
	rte->eref->colnames = lappend(rte->eref->colnames, makeString(pstrdup(name)));
	function->funccolnames = lappend(function->funccolnames, makeString(pstrdup(name)));
	function->funccoltypes = lappend_oid(function->funccoltypes, type);
	function->funccoltypmods = lappend_int(function->funccoltypmods, typmod);
	function->funccolcollations = lappend_oid(function->funccolcollations, collation);
	function->funccolcount++;
	return (Node *) makeVar(1, function->funccolcount, type, typmod, collation, 0);
}

/* An entry of FROM, a call of shards(), without columns. */
static RangeTblEntry *
entry_of_shards(int number)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	RangeTblFunction *function = makeNode(RangeTblFunction);

	function->funcexpr = (Node *) call_of_shards(number);
	rte->rtekind = RTE_FUNCTION;
	rte->eref = makeAlias("shards", NIL);
	rte->inFromCl = true;
	rte->functions = list_make1(function);
	return rte;
}

/* SELECT of all columns of the relation that is an entry of the query; dropped ones are NULL. */
static Query *
select_all(Query *from, RangeTblEntry *entry)
{
	Query	   *query = makeNode(Query);
	RangeTblEntry *rte = copyObject(entry);
	RangeTblRef *ref = makeNode(RangeTblRef);
	Relation	relation = table_open(rte->relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);

	rte->securityQuals = NIL;
	ref->rtindex = 1;
	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = list_make1(rte);
	DP_MOVE_ENTRY_PERMISSIONS(query, rte, from);
	query->jointree = makeFromExpr(list_make1(ref), NULL);
	for (int i = 1; i <= desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i - 1);
		Node	   *expr = att->attisdropped ? (Node *) makeNullConst(INT4OID, -1, InvalidOid) :
			(Node *) makeVar(1, i, att->atttypid, att->atttypmod, att->attcollation, 0);

		append_target(query, expr, NameStr(att->attname), false);
	}
	table_close(relation, NoLock);
	return query;
}

/* Notes that a whole row of an entry of FROM is asked for, or a system column. */
static void
note_whole_row(Var *column, void *context)
{
	int		   *varno = context;

	if (column->varno == *varno && column->varattno <= 0)
		*varno = 0;
}

/* Has the rows of a relation read by the node that gathers pieces, too. */
static void
read_rows(Query *query, int varno)
{
	RangeTblEntry *rte = rt_fetch(varno, query->rtable);
	Query	   *rows;
	RangeTblEntry *read;
	int			whole = varno;
	ListCell   *lc;

	walk_columns((Node *) query, QTW_IGNORE_JOINALIASES, note_whole_row, &whole);
	if (varno == query->resultRelation || rte->tablesample != NULL || whole == 0 || query->rowMarks != NIL)
		refuse_named(REFUSE_SHARDS_OUTSIDE, relation_for_message(rte->relid), NULL, -1);
	rows = select_all(query, rte);
	read = entry_of_shards(planning_read(rows));
	foreach(lc, rows->targetList)
	{
		TargetEntry *tle = lfirst(lc);
		Node	   *expr = (Node *) tle->expr;

		(void) add_column(read, linitial(read->functions), tle->resname, exprType(expr),
						  exprTypmod(expr), exprCollation(expr));
	}
	read->alias = rte->alias;
	read->eref = rte->eref;
	read->securityQuals = rte->securityQuals;
	read->inFromCl = rte->inFromCl;
	lfirst(list_nth_cell(query->rtable, varno - 1)) = read;
}

static bool
outside_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;

		for (int i = 1; i <= list_length(query->rtable); i++)
		{
			RangeTblEntry *rte = rt_fetch(i, query->rtable);

			if (rte->rtekind == RTE_RELATION && rte->relkind != RELKIND_VIEW &&
				citus_table(rte->relid).kind != CITUS_LOCAL)
				read_rows(query, i);
		}
		return query_tree_walker(query, outside_walker, context, 0);
	}
	return expression_tree_walker(node, outside_walker, context);
}

/*
 * Has tables of Citus that a statement with releases over such reads outside of these, as public ones that are
 * joined with what is released, read as pieces are: Citus would have the statement, releases included, run
 * elsewhere.  Conditions, and policies of row security, stay in the statement.  Raises
 * ERRCODE_DP_QUERY_REFUSED for one that is written to, locked, or read by whole rows.
 */
void
read_spread_outside(Query *statement)
{
	(void) outside_walker((Node *) statement, NULL);
}

/* ----------
 * Where individuals are
 * ----------
 */

static bool traces(Query *query, Node *expr, bool (*is_right) (Oid relid, AttrNumber attno));

/* The same of a column of a sub-select, in each branch of it. */
static bool
traces_below(Query *query, Node *branches, AttrNumber attno,
			 bool (*is_right) (Oid relid, AttrNumber attno))
{
	if (branches != NULL && IsA(branches, SetOperationStmt))
		return traces_below(query, ((SetOperationStmt *) branches)->larg, attno, is_right) &&
			traces_below(query, ((SetOperationStmt *) branches)->rarg, attno, is_right);
	if (branches != NULL)
	{
		RangeTblEntry *rte = rt_fetch(castNode(RangeTblRef, branches)->rtindex, query->rtable);

		return rte->rtekind == RTE_SUBQUERY &&
			traces_below(rte->subquery, rte->subquery->setOperations, attno, is_right);
	}
	return attno >= 1 && attno <= list_length(query->targetList) &&
		traces(query, (Node *) list_nth_node(TargetEntry, query->targetList, attno - 1)->expr,
			   is_right);
}

/*
 * Is the expression a column of a relation, through any sub-selects, that is_right() knows?  Or the first
 * of several that has a value, as that of a FULL JOIN?
 */
static bool
traces(Query *query, Node *expr, bool (*is_right) (Oid relid, AttrNumber attno))
{
	Var		   *var = (Var *) strip_relabel(expr);
	RangeTblEntry *rte;

	check_stack_depth();
	if (IsA(var, CoalesceExpr))
	{
		ListCell   *lc;

		foreach(lc, ((CoalesceExpr *) var)->args)
		{
			if (!traces(query, lfirst(lc), is_right))
				return false;
		}
		return true;
	}
	if (!IsA(var, Var) || var->varlevelsup != 0)
		return false;
	rte = rt_fetch(var->varno, query->rtable);
	switch (rte->rtekind)
	{
		case RTE_RELATION:
			return is_right(rte->relid, var->varattno);
		case RTE_SUBQUERY:
			return traces_below(rte->subquery, rte->subquery->setOperations, var->varattno, is_right);
		case RTE_JOIN:
			return var->varattno >= 1 && var->varattno <= list_length(rte->joinaliasvars) &&
				traces(query, list_nth(rte->joinaliasvars, var->varattno - 1), is_right);
		default:
			return false;
	}
}

/*
 * Is the expression of a query a column of a relation, through any sub-selects, which is_right()
 * knows?  Of UNION ALL, in each branch.
 */
bool
traces_to_relation(Query *query, Node *expr, bool (*is_right) (Oid relid, AttrNumber attno))
{
	return traces(query, expr, is_right);
}

/* Is it the column that divides the relation among shards? */
static bool
divides(Oid relid, AttrNumber attno)
{
	CitusTable	table = citus_table(relid);

	return table.kind == CITUS_HASH && table.column == attno;
}

/*
 * A column of the unit, in any of its alternatives, that divides the tables: all are equal in the rows that count,
 * so these are where any of them says.  *unit becomes that alternative.  NULL if there is none.
 */
static Node *
dividing_column(Query *piece, List *units, List **unit)
{
	ListCell   *lu;
	ListCell   *lc;

	foreach(lu, units)
	{
		foreach(lc, (List *) lfirst(lu))
		{
			*unit = lfirst(lu);
			if (traces(piece, lfirst(lc), divides))
				return lfirst(lc);
		}
	}
	return NULL;
}

/* Is the public table, an item of the level's FROM, joined by the column that divides it and the individuals? */
static bool
joined_with_unit(ReleaseBuilder *builder, Oid relid, Node *unit)
{
	Query	   *query = builder->level->query;
	List	   *equalities = level_equalities(builder->level);
	bool		found = false;
	int			i = 0;
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst(lc);
		Node	   *column;

		i++;
		if (rte->rtekind != RTE_RELATION || rte->relid != relid)
			continue;
		column = (Node *) makeVar(i, citus_table(relid).column, exprType(unit), exprTypmod(unit),
								  exprCollation(unit), 0);
		if (get_atttype(relid, citus_table(relid).column) != exprType(unit) ||
			!equalities_tie(equalities, list_make1(list_make1(column)), list_make1(list_make1(unit))))
			return false;
		found = true;
	}
	return found;
}

/* Counts the entries of a relation, at any depth. */
typedef struct EntriesContext
{
	Oid			relid;
	int			n;
} EntriesContext;

static bool
entries_walker(Node *node, EntriesContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		context->n += ((RangeTblEntry *) node)->rtekind == RTE_RELATION &&
			((RangeTblEntry *) node)->relid == context->relid;
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, entries_walker, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, entries_walker, context);
}

/* Is the relation named in sub-selects of the level, or those below them? */
static bool
stands_deeper(ReleaseBuilder *builder, Query *piece, Oid relid)
{
	EntriesContext all = {.relid = relid};
	int			here = 0;
	ListCell   *lc;

	(void) entries_walker((Node *) piece, &all);
	foreach(lc, piece->rtable)
		here += lfirst_node(RangeTblEntry, lc)->rtekind == RTE_RELATION &&
		lfirst_node(RangeTblEntry, lc)->relid == relid;
	return all.n > here;
}

/* Refuses tables that are divided in ways by which individuals are not in one piece. */
static void
check_divided(ReleaseBuilder *builder, Query *piece, List *relids, Node *unit)
{
	int			colocation = -1;
	ListCell   *lc;

	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);
		CitusTable	table = citus_table(relid);

		if (table.kind == CITUS_SINGLE)
			refuse_named(REFUSE_SHARDS_APART, relation_for_message(relid), NULL, -1);
		if (table.kind != CITUS_HASH)
			continue;
		if (colocation == -1)
			colocation = table.colocation;
		if (table.colocation != colocation || colocation == 0)
			refuse_named(REFUSE_SHARDS_APART, relation_for_message(relid), NULL, -1);
		if (policy_lookup(relid) == NULL &&
			(stands_deeper(builder, piece, relid) || !joined_with_unit(builder, relid, unit)))
			refuse_named(REFUSE_SHARDS_PUBLIC, relation_for_message(relid), NULL, -1);
	}
}

/* Does the query name something of another query, as a released one? */
static bool
names_cte_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->rtekind == RTE_CTE;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, names_cte_walker, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, names_cte_walker, context);
}

/* Values are compared as bytes, which are the same on all machines for types that come with PostgreSQL. */
static void
check_sketches(ReleaseBuilder *builder)
{
	for (int i = 0; i < builder->spec.nsketches; i++)
	{
		const SpecSketch *sketch = &builder->spec.sketches[i];

		if (sketch->kind != SPEC_SKETCH_CELLS &&
			(sketch->value_type >= FirstNormalObjectId || sketch->collation >= FirstNormalObjectId))
			refuse_named(REFUSE_SHARDS_TYPE, format_type_be(sketch->value_type), NULL, -1);
	}
}

/* ----------
 * The piece
 * ----------
 */

/* The collector of a query R, which release_query() has made, and its sketches. */
static List *
collectors_of(Query *query)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		Aggref	   *aggref = (Aggref *) lfirst_node(TargetEntry, lc)->expr;

		if (IsA(aggref, Aggref) && extension_function(aggref->aggfnoid) != DP_FUNC_NONE)
			result = lappend(result, aggref);
	}
	return result;
}

/* Adds arguments to an aggregate after its first two. */
static void
insert_arguments(Aggref *aggref, List *exprs)
{
	List	   *args = list_copy_head(aggref->args, 2);
	List	   *types = list_copy_head(aggref->aggargtypes, 2);
	ListCell   *lc;

	foreach(lc, exprs)
	{
		args = lappend(args, makeTargetEntry(copyObject(lfirst(lc)), 0, NULL, false));
		types = lappend_oid(types, exprType(lfirst(lc)));
	}
	args = list_concat(args, list_copy_tail(aggref->args, 2));
	types = list_concat(types, list_copy_tail(aggref->aggargtypes, 2));
	foreach(lc, args)
		lfirst_node(TargetEntry, lc)->resno = foreach_current_index(lc) + 1;
	aggref->args = args;
	aggref->aggargtypes = types;
}

/* Drops the arguments of the unit. */
static void
drop_units(Aggref *aggref, int n)
{
	aggref->args = list_concat(list_copy_head(aggref->args, 2), list_copy_tail(aggref->args, 2 + n));
	aggref->aggargtypes = list_concat(list_copy_head(aggref->aggargtypes, 2),
									  list_copy_tail(aggref->aggargtypes, 2 + n));
}

/*
 * Has all collectors name the individual by this alternative of its unit.  Those of rows that are individuals get the
 * form of those that are bounded: an aggregate must have some argument, or SQL cannot write it.
 */
static void
name_units(Query *piece, List *unit)
{
	ListCell   *lc;

	foreach(lc, collectors_of(piece))
	{
		Aggref	   *aggref = lfirst(lc);

		if (extension_function(aggref->aggfnoid) == DP_FUNC_BOUND)
		{
			drop_units(aggref, list_length(unit));
			insert_arguments(aggref, unit);
		}
		else if (extension_function(aggref->aggfnoid) == DP_FUNC_COLLECT)
		{
			insert_arguments(aggref, unit);
			aggref->aggfnoid = extension_oid(DP_FUNC_BOUND, InvalidOid);
		}
		else if (extension_function(aggref->aggfnoid) == DP_FUNC_SKETCH)
			aggref->aggfnoid = extension_oid(DP_FUNC_BOUND_SKETCH, InvalidOid);
	}
}

/*
 * Groups by the column that divides the tables, too, by which Citus knows that groups are not divided; it takes no
 * expression for it.
 */
static void
group_by_division(ReleaseBuilder *builder, Query *piece, Node *column)
{
	SortGroupClause *clause;
	TargetEntry *tle;

	column = strip_relabel(column);
	while (IsA(column, CoalesceExpr))
		column = strip_relabel(linitial(((CoalesceExpr *) column)->args));
	clause = copyObject(unit_clause(builder->context, column));
	tle = append_target(piece, copyObject(column), "unit", true);
	tle->ressortgroupref = clause->tleSortGroupRef = tle->resno;
	piece->groupClause = lappend(piece->groupClause, clause);
}

/* Puts a relation with policies of row security into a sub-select, with their conditions, which are guarded. */
static void
enclose_policies(Query *query, int varno)
{
	RangeTblEntry *rte = rt_fetch(varno, query->rtable);
	Query	   *below = select_all(query, rte);
	List	   *conditions = rte->securityQuals;

	ChangeVarNodes((Node *) conditions, varno, 1, 0);
	below->jointree->quals = (Node *) make_ands_explicit(conditions);
	below->hasSubLinks = checkExprHasSubLink((Node *) conditions);
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = below;
	rte->securityQuals = NIL;
	rte->relid = InvalidOid;
	rte->relkind = 0;
	rte->rellockmode = 0;
	rte->inh = false;
	DP_DROP_ENTRY_PERMISSIONS(rte);
}

static bool
policies_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;

		for (int i = 1; i <= list_length(query->rtable); i++)
		{
			RangeTblEntry *rte = rt_fetch(i, query->rtable);

			if (rte->rtekind == RTE_RELATION && rte->securityQuals != NIL)
				enclose_policies(query, i);
		}
		query->hasRowSecurity = false;
		return query_tree_walker(query, policies_walker, context, 0);
	}
	return expression_tree_walker(node, policies_walker, context);
}

/*
 * Judges a release over tables of Citus.  piece: its query as release_query() has made it, which becomes its
 * piece, in place.  Raises ERRCODE_DP_QUERY_REFUSED where the rows of an individual may be in
 * several shards, or where Citus could not be told.
 */
SpreadRelease *
spread_release(ReleaseBuilder *builder, Query *piece)
{
	SpreadRelease *result = palloc0(sizeof(SpreadRelease));
	List	   *unit = linitial(builder->individuals->units);
	Node	   *division = NULL;
	List	   *relids = relations_of(piece);
	Oid			divided = InvalidOid;
	ListCell   *lc;

	foreach(lc, relids)
	{
		CitusKind	kind = citus_table(lfirst_oid(lc)).kind;

		if (kind == CITUS_OTHER)
			refuse_named(REFUSE_SHARDS_METHOD, relation_for_message(lfirst_oid(lc)), NULL, -1);
		if (kind == CITUS_HASH && (divided == InvalidOid || policy_lookup(lfirst_oid(lc)) != NULL))
			divided = lfirst_oid(lc);
	}
	result->taken = take_released(builder->context, builder->level, piece);
	if (names_cte_walker((Node *) piece, NULL))
		refuse(REFUSE_SHARDS_RELEASED, NULL, -1);
	foreach(lc, collectors_of(piece))
	{
		DpFunction	function = extension_function(((Aggref *) lfirst(lc))->aggfnoid);

		if (function == DP_FUNC_COLLECT_BOUNDED || function == DP_FUNC_COLLECT_CLIPPED)
			refuse(REFUSE_SHARDS_KEYS, NULL, -1);
	}
	check_sketches(builder);
	result->alone = divided == InvalidOid;
	if (!result->alone)
	{
		division = dividing_column(piece, builder->individuals->units, &unit);
		if (division == NULL)
			refuse_named(REFUSE_SHARDS_UNIT, relation_for_message(divided), NULL, -1);
		check_divided(builder, piece, relids, division);
	}
	result->nunits = list_length(unit);
	result->piece = piece;
	(void) policies_walker((Node *) piece, NULL);
	if (division != NULL)
		tie_sublinks(piece);
	name_units(piece, unit);
	if (division != NULL)
		group_by_division(builder, piece, division);
	piece->hasAggs = true;
	return result;
}

/* ----------
 * What gathers the pieces
 * ----------
 */

/* FROM shards() AS (keys): never called, see above.  Returns the columns. */
static List *
read_shards(Query *query, List *keys, const TakenReleases *taken)
{
	RangeTblEntry *rte = entry_of_shards(0);
	RangeTblRef *ref = makeNode(RangeTblRef);
	List	   *columns = NIL;
	ListCell   *lc;

	if (keys == NIL)
		keys = list_make1(int4_const(0));
	foreach(lc, keys)
	{
		Node	   *key = lfirst(lc);

		columns = lappend(columns,
						  add_column(rte, linitial(rte->functions),
									 psprintf("key%d", foreach_current_index(lc) + 1), exprType(key),
									 exprTypmod(key), exprCollation(key)));
	}
	if (taken != NULL)
	{
		FuncExpr   *call = (FuncExpr *) linitial_node(RangeTblFunction, rte->functions)->funcexpr;

		call->args = list_concat(call->args, taken->values);
		query->cteList = taken->ctes;
		query->hasSubLinks = true;
	}
	ref->rtindex = 1;
	query->rtable = list_make1(rte);
	query->jointree = makeFromExpr(list_make1(ref), NULL);
	return columns;
}

/* R, without its outputs: what gathers the states of the pieces. */
Query *
gathering_release(ReleaseBuilder *builder, const SpreadRelease *spread)
{
	Query	   *release = makeNode(Query);
	int			nkeys = list_length(builder->key_clauses);
	List	   *keys = NIL;
	List	   *columns;
	List	   *values = NIL;

	for (int i = 0; i < nkeys; i++)
		keys = lappend(keys, list_nth_node(TargetEntry, spread->piece->targetList, i)->expr);
	release->commandType = CMD_SELECT;
	release->canSetTag = true;
	release->hasAggs = true;
	columns = read_shards(release, keys, spread->taken);
	append_grouped(release, list_copy_head(columns, nkeys), builder->key_clauses, "key");
	append_target(release, (Node *) make_collector(builder, DP_FUNC_BOUND, NIL), "state", false);
	for (int i = 0; i < builder->spec.nsketches; i++)
	{
		const SpecSketch *sketch = &builder->spec.sketches[i];

		values = lappend(values, makeNullConst(sketch->value_type, -1, sketch->collation));
	}
	append_sketches(builder, release, DP_FUNC_BOUND_SKETCH, values, NIL, "sketch");
	return release;
}
