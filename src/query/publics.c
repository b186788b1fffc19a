/*
 * publics.c
 *		What is public below a release is put where it is read before it.
 *
 * Reading a table leaves traces that its reader sees afterwards: pages come into the
 * cache, dead rows are pruned, a synchronized scan stops somewhere, a foreign server
 * is asked.  Joined with protected rows, a client's own table would be read as far
 * and in the places that these rows ask for, and would tell their values.  So what is not
 * protected below a release is read to its end before the first protected row
 * (nodes/release/ahead.c).
 *
 * A table stays where it is in R, with its statistics, and is scanned by a node that reads it ahead
 * (nodes/public).  Functions in FROM, and what that node cannot do, are replaced by
 *
 *		WITH "dp_agg public n" AS MATERIALIZED (SELECT columns FROM relation)
 *
 * in R.  CTEs of the client's become sub-selects before that, but for those that hold a release,
 * which is drawn once however often it is named.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"

#include "core/compat.h"
#include "core/refusals.h"
#include "policy/cache.h"
#include "policy/enforced.h"
#include "policy/extension.h"
#include "query/ctes.h"
#include "query/level.h"
#include "query/publics.h"
#include "query/queries.h"
#include "query/questions.h"
#include "query/walk.h"

/* ----------
 * CTEs of the client's
 * ----------
 */

typedef struct CtesContext
{
	RewriteContext *rewrite;
	Level	   *level;			/* whose query R will stand below */
	List	   *queries;		/* from the innermost one out to R */
} CtesContext;

/* Does the query hold a release? */
static bool
holds_release_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_is_release((Query *) node) ||
			query_tree_walker((Query *) node, holds_release_walker, context, 0);
	return expression_tree_walker(node, holds_release_walker, context);
}

/* Does the query hold a release?  It may be NULL. */
bool
holds_release(Node *query)
{
	return holds_release_walker(query, NULL);
}

/* The CTE that an entry of the innermost query names. */
static CommonTableExpr *
named_cte(CtesContext *context, RangeTblEntry *rte)
{
	int			depth = list_length(context->queries) - 1;
	Level	   *level = context->level;
	List	   *ctes;
	ListCell   *lc;

	if ((int) rte->ctelevelsup <= depth)
		ctes = ((Query *) list_nth(context->queries, rte->ctelevelsup))->cteList;
	else
	{
		for (int up = rte->ctelevelsup - depth - 1; up > 0 && level != NULL; up--)
			level = level->parent;
		if (level == NULL)
			return NULL;
		ctes = level->query->cteList;
	}
	foreach(lc, ctes)
	{
		if (strcmp(lfirst_node(CommonTableExpr, lc)->ctename, rte->ctename) == 0)
			return lfirst(lc);
	}
	return NULL;
}

/* Puts the CTE's query in the place of the name, or leaves one that holds a release. */
static void
inline_named(CtesContext *context, RangeTblEntry *rte)
{
	CommonTableExpr *cte = named_cte(context, rte);
	int			around = list_length(context->queries);

	if (cte == NULL || cte->cterecursive)
		refuse(REFUSE_FROM_ITEM, context->rewrite->source, -1);
	if (holds_release_walker(cte->ctequery, NULL))
	{
		/* it is read before the first row, so it may not ask for one */
		for (int up = 1; up <= around; up++)
		{
			if (contain_vars_of_level(cte->ctequery, up))
				refuse(REFUSE_CORRELATED, context->rewrite->source, -1);
		}
		return;
	}
	count_level(context->rewrite);
	/* the planner must not look for names that are gone, to inline it itself */
	cte->ctematerialized = CTEMaterializeAlways;
	inline_reference(rte, cte);
}

/* Inlines what each query names, from R inwards, and drops the CTEs that are gone. */
static bool
ctes_walker(Node *node, CtesContext *context)
{
	Query	   *query = (Query *) node;
	List	   *kept = NIL;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, ctes_walker, context);
	if (query_is_release(query))
		return false;			/* has done so itself */

	context->queries = lcons(query, context->queries);
	foreach(lc, query->rtable)
	{
		if (lfirst_node(RangeTblEntry, lc)->rtekind == RTE_CTE)
			inline_named(context, lfirst(lc));
	}
	(void) query_tree_walker(query, ctes_walker, context,
							 QTW_IGNORE_JOINALIASES | QTW_IGNORE_CTE_SUBQUERIES);
	foreach(lc, query->cteList)
	{
		CommonTableExpr *cte = lfirst(lc);

		if (!holds_release_walker(cte->ctequery, NULL))
			continue;
		(void) ctes_walker(cte->ctequery, context);
		kept = lappend(kept, cte);
	}
	query->cteList = kept;
	context->queries = list_delete_first(context->queries);
	return false;
}

/*
 * Replaces names of CTEs in the query R of a release, which will stand below the level's
 * query, by the CTEs' queries, in place.
 */
void
inline_public_ctes(RewriteContext *context, Level *level, Query *release)
{
	CtesContext ctes = {.rewrite = context,.level = level};

	(void) ctes_walker((Node *) release, &ctes);
}

/* ----------
 * Relations
 * ----------
 */

typedef struct PublicsContext
{
	RewriteContext *rewrite;
	List	   *ctes;			/* made so far */
	Index		depth;			/* how deep below it we are */
	bool		has_sub_selects;	/* or lateral items: conditions may be about rows of
									 * others */
} PublicsContext;

/* The columns that a query reads of one item of its FROM. */
typedef struct UsedColumns
{
	int			varno;
	Bitmapset  *columns;		/* attribute numbers */
} UsedColumns;

/* Notes a column, if it is one of that item. */
static void
note_used(Var *column, void *argument)
{
	UsedColumns *used = argument;

	if (column->varno == used->varno)
		used->columns = bms_add_member(used->columns, column->varattno);
}

/*
 * A column.  A wide value is fetched now: later, a protected row would decide whether it
 * is.
 */
static Expr *
flat_column(int attno, Form_pg_attribute att)
{
	Expr	   *var = (Expr *) makeVar(1, attno, att->atttypid, att->atttypmod,
									   att->attcollation, 0);

	if (att->attlen != -1 || att->attstorage == TYPSTORAGE_PLAIN)
		return var;
	return (Expr *) makeFuncExpr(extension_oid(DP_FUNC_FLAT, InvalidOid), att->atttypid,
								 list_make1(var), att->attcollation, att->attcollation,
								 COERCE_EXPLICIT_CALL);
}

/*
 * SELECT of the relation's columns, each in its place; those that nobody asks for are
 * NULL.  The range table entry moves there, with its policies' conditions.
 */
static Query *
select_columns(Query *from, int varno, const Bitmapset *columns)
{
	RangeTblEntry *rte = copyObject(rt_fetch(varno, from->rtable));
	Query	   *query = select_of(rte);
	Relation	relation = table_open(rte->relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(relation);

	ChangeVarNodes((Node *) rte->securityQuals, varno, 1, 0);
	DP_MOVE_ENTRY_PERMISSIONS(query, rte, from);
	query->hasRowSecurity = rte->securityQuals != NIL;
	query->hasSubLinks = checkExprHasSubLink((Node *) rte->securityQuals);
	for (int i = 1; i <= desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i - 1);
		Expr	   *expr;

		if (att->attisdropped)
			expr = (Expr *) makeNullConst(INT4OID, -1, InvalidOid);
		else if (bms_is_member(i, columns))
			expr = flat_column(i, att);
		else
			expr = (Expr *) makeNullConst(att->atttypid, att->atttypmod, att->attcollation);
		query->targetList = lappend(query->targetList,
									makeTargetEntry(expr, i, pstrdup(NameStr(att->attname)), false));
	}
	table_close(relation, NoLock);
	return query;
}

/* SELECT of all columns of functions in FROM, which move there. */
static Query *
select_functions(RangeTblEntry *rte)
{
	Query	   *query = select_of(rte);
	List	   *names;
	List	   *columns;
	ListCell   *ln;
	ListCell   *lc;

	query->hasSubLinks = checkExprHasSubLink((Node *) rte->functions);
	DP_EXPAND_ENTRY(rte, 1, &names, &columns);
	forboth(ln, names, lc, columns)
		append_target(query, lfirst(lc), strVal(lfirst(ln)), false);
	return query;
}

/* Has the query sub-selects in its expressions, or items of FROM that name others, at any depth? */
static bool
has_sub_selects(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->lateral;
	if (IsA(node, Query))
		return ((Query *) node)->hasSubLinks ||
			query_tree_walker((Query *) node, has_sub_selects, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, has_sub_selects, context);
}

/*
 * Has the table a primary key that does not hold for the snapshot?  The planner takes columns out of GROUP BY
 * that depend on the key (up to PostgreSQL 17 by the declaration alone), so in a snapshot from before it several
 * values of theirs would become the one that came first; below a release protected rows decide about that.
 */
static bool
has_new_primary_key(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	Oid			index;
	bool		result;

	(void) RelationGetIndexList(relation);	/* finds the key, too */
	index = relation->rd_pkindex;
	table_close(relation, NoLock);
	result = OidIsValid(index) &&
		!(ActiveSnapshotSet() && policy_still_unique(index, GetActiveSnapshot()));
	return result;
}

/*
 * Can the node of nodes/public read the relation of a query, of which these columns are used?
 *
 * Not conditions of policies with sub-selects: they are asked of public rows alone, but the planner
 * could not tell.  Nor conditions about rows of others on the children of a table.
 */
static bool
may_stay(PublicsContext *context, const Query *query, RangeTblEntry *rte, const Bitmapset *columns)
{
	if (rte->rtekind != RTE_RELATION || policy_lookup(rte->relid) != NULL ||
		checkExprHasSubLink((Node *) rte->securityQuals))
		return false;
	if (bms_next_member(columns, -1) == 0)
		return false;			/* whole rows */
	if (query->groupClause != NIL && has_new_primary_key(rte->relid))
		return false;
	if (rte->relkind == RELKIND_RELATION || rte->relkind == RELKIND_PARTITIONED_TABLE)
		return !context->has_sub_selects || !rte->inh || !has_subclass(rte->relid);
	return rte->relkind == RELKIND_MATVIEW;
}

/* Has a relation or function read ahead: replaces its entry by a reference to a new CTE, or leaves it. */
static void
read_ahead(PublicsContext *context, Query *query, int varno)
{
	RangeTblEntry *rte = rt_fetch(varno, query->rtable);
	UsedColumns used = {.varno = varno};
	CommonTableExpr *cte;
	RangeTblEntry *named;

	walk_columns((Node *) query, QTW_IGNORE_JOINALIASES, note_used, &used);
	if (may_stay(context, query, rte, used.columns))
		return;
	cte = make_cte(psprintf("dp_agg public %d", list_length(context->ctes) + 1),
				   rte->rtekind == RTE_FUNCTION ? select_functions(copyObject(rte)) :
				   select_columns(query, varno, used.columns));
	context->ctes = lappend(context->ctes, cte);
	named = make_cte_reference(cte, context->depth);
	named->alias = rte->alias;
	named->eref = rte->eref;
	named->inFromCl = rte->inFromCl;
	lfirst(list_nth_cell(query->rtable, varno - 1)) = named;
}

/* Replaces the public relations of each query, from R inwards. */
static bool
publics_walker(Node *node, PublicsContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		Relids		members = DP_RELIDS_IN_JOINTREE((Node *) query->jointree);
		int			i = -1;

		if (query_is_release(query))
			return false;		/* has done so itself */

		/* a view's query also has entries of the view itself, which nobody reads */
		while ((i = bms_next_member(members, i)) >= 0)
		{
			RangeTblEntry *rte = rt_fetch(i, query->rtable);

			if (rte->rtekind == RTE_FUNCTION ||
				(rte->rtekind == RTE_RELATION && !is_private_relation(context->rewrite, rte)))
				read_ahead(context, query, i);
		}
		context->depth++;
		(void) query_tree_walker(query, publics_walker, context, QTW_IGNORE_JOINALIASES);
		context->depth--;
		return false;
	}
	return expression_tree_walker(node, publics_walker, context);
}

/*
 * Has all public relations and functions in the query R of a release read ahead, in place.
 * Their expressions are guarded already.
 */
void
read_publics_ahead(RewriteContext *context, Query *release)
{
	PublicsContext publics = {.rewrite = context,.has_sub_selects = has_sub_selects((Node *) release, NULL)};

	Assert(release->cteList == NIL);
	(void) publics_walker((Node *) release, &publics);
	release->cteList = publics.ctes;
}
