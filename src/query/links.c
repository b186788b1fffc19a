/*
 * links.c
 *		Linked relations: whose rows they hold, by the rows of their parents.
 *
 * A row of a linked relation (policy/links.h) belongs to the individual of the parent's row that it
 * names.  In a level whose conditions equate the link with the key of a row of the parent, or with
 * the link of another row that names one, that row is in the level already: the
 * individual is that row's.  Where none do,
 *
 *		lineitem
 *
 * becomes
 *
 *		lineitem JOIN orders ON orders.orderkey = lineitem.orderkey
 *
 * in its place in FROM, and then the same is asked of the parent, until one is there that has the unit.  A
 * row whose link is NULL or dangling is gone then, as it is nobody's; no row is there twice, as the
 * key is unique.
 *
 * In a sub-select of an expression, as in EXISTS, the row at hand of the query around it may be the one
 * that is named: then the individual is that row's, and nothing is joined.
 *
 * A parent that only adds the unit, which is its key, and which a foreign key shows to be there, is
 * not joined: the link itself is the unit.
 *
 * Conditions count if they hold in each row of the level in which the relation's row is not
 * one of NULLs: those of WHERE, and of each join above that is an inner one, or whose weak
 * side the relation stands on.  Equality is not true of NULL, so the other row is there, too.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "core/compat.h"
#include "core/errors.h"
#include "core/names.h"
#include "core/refusals.h"
#include "policy/cache.h"
#include "policy/links.h"
#include "query/ctes.h"
#include "query/equalities.h"
#include "query/level.h"
#include "query/links.h"
#include "query/nulls.h"
#include "query/queries.h"
#include "query/units.h"
#include "query/unique.h"
#include "query/walk.h"
#include "spec/spec.h"

/* ----------
 * Links that a statement could need
 * ----------
 */

/* Notes the link of a relation, and those of its parents.  One that does not hold is nobody's here. */
static void
note_link(RewriteContext *context, Oid relid)
{
	const ProtectedRelation *rel = policy_lookup(relid);

	for (int step = 0; rel != NULL && rel->nlink > 0 && step < DP_MAX_LINK_STEPS; step++)
	{
		ResolvedLink *link = palloc(sizeof(ResolvedLink));

		if (policy_resolve_link(rel, link) != NULL)
			return;
		context->links = lappend(context->links, link);
		rel = policy_lookup(link->parent);
	}
}

static bool
links_walker(Node *node, RewriteContext *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		if (((RangeTblEntry *) node)->rtekind == RTE_RELATION)
			note_link(context, ((RangeTblEntry *) node)->relid);
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, links_walker, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, links_walker, context);
}

/* Notes the links of all relations that a query names, and of their parents, in the context. */
void
note_links(RewriteContext *context, Query *query)
{
	(void) links_walker((Node *) query, context);
}

/* ----------
 * What a relation's rows name
 * ----------
 */

/* The row of the parent of a link that columns of an entry of FROM name. */
static RowLink *
row_link(const ResolvedLink *link, Oid relid, int rtindex, const AttrNumber *columns)
{
	RowLink    *result = palloc0(sizeof(RowLink));

	result->parent = link->parent;
	result->index = link->index;
	for (int i = 0; i < link->ncolumns; i++)
	{
		result->key = lappend_int(result->key, link->key[i]);
		result->exprs = lappend(result->exprs, relation_column(relid, rtindex, columns[i]));
	}
	return result;
}

/* Have two links the same parent and key? */
bool
links_have_same_target(const RowLink *a, const RowLink *b)
{
	return a->parent == b->parent && equal(a->key, b->key);
}

/*
 * Notes that an entry of FROM is a linked relation: settle_links() will say whose its rows are.
 * Raises ERRCODE_DP_QUERY_REFUSED if the link does not hold.
 */
static void
begin_link(Oid relid, int rtindex, Individuals *individuals)
{
	ResolvedLink *link = palloc(sizeof(ResolvedLink));
	const char *fault = policy_resolve_link(policy_lookup(relid), link);

	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DP_QUERY_REFUSED),
				 errmsg("the link of protected relation \"%s\" does not hold", relation_for_message(relid)),
				 errdetail("What is wrong: %s.", fault),
				 errhint("Ask the administrator to mend what is wrong, or to call dp_agg.protect() again; dp_agg.check_hardening() says more.")));
	individuals->pending = link;
	individuals->links = lappend(individuals->links, row_link(link, relid, rtindex, link->link));
}

/*
 * Notes what names the rows of a protected relation, an entry of FROM: its own link, and those keys of it
 * that a link in the statement could need.  Raises ERRCODE_DP_QUERY_REFUSED if its link does not hold.
 */
void
note_row_links(RewriteContext *context, Oid relid, int rtindex, Individuals *individuals)
{
	ListCell   *lc;

	if (individuals->relation->nlink > 0)
		begin_link(relid, rtindex, individuals);
	foreach(lc, context->links)
	{
		const ResolvedLink *link = lfirst(lc);
		RowLink    *row;
		bool		known = false;
		ListCell   *lk;

		if (link->parent != relid)
			continue;
		row = row_link(link, relid, rtindex, link->key);
		foreach(lk, individuals->links)
			known = known || links_have_same_target(lfirst(lk), row);
		if (!known)
			individuals->links = lappend(individuals->links, row);
	}
}

/* ----------
 * Ties
 * ----------
 */

/* All rows that the rows of an input name, those that may be NULL last. */
List *
all_links(const Individuals *individuals)
{
	return list_concat_copy(individuals->links, individuals->partial_links);
}

/* Rests on the unique index that shows that a key names one row; refuses more than may be rested on. */
static void
rest_on_key(RewriteContext *context, Oid index)
{
	context->proofs = list_append_unique_oid(context->proofs, index);
	if (list_length(context->proofs) > DP_MAX_PROOFS / 2)
		refuse(REFUSE_TOO_LARGE, context->source, -1);
}

/*
 * Do the equalities tie a row that one of the left links names to the same of the right ones?  What is
 * released rests on the key then.
 */
bool
links_tie(RewriteContext *context, List *equalities, List *left, List *right)
{
	ListCell   *la;
	ListCell   *lb;

	foreach(la, left)
	{
		const RowLink *a = lfirst(la);

		foreach(lb, right)
		{
			const RowLink *b = lfirst(lb);

			if (links_have_same_target(a, b) &&
				equalities_tie(equalities, list_make1(a->exprs), list_make1(b->exprs)))
			{
				rest_on_key(context, a->index);
				return true;
			}
		}
	}
	return false;
}

/* The links that the expressions tell: all of what names the row is among them. */
static List *
links_among(List *links, List *expressions)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, links)
	{
		if (unit_is_among(((RowLink *) lfirst(lc))->exprs, expressions))
			result = lappend(result, lfirst(lc));
	}
	return result;
}

/* Leaves only links that are among the expressions, those that a level is grouped by. */
void
keep_links(Individuals *individuals, List *expressions)
{
	individuals->links = links_among(individuals->links, expressions);
	individuals->partial_links = links_among(individuals->partial_links, expressions);
}

/* The links of a sub-select that are among its columns, as columns of its entry. */
static List *
links_as_columns(RangeTblEntry *rte, int rtindex, List *links)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, links)
	{
		List	   *columns = units_as_columns(rte, rtindex, list_make1(((RowLink *) lfirst(lc))->exprs));
		RowLink    *link;

		if (columns == NIL)
			continue;
		link = palloc(sizeof(RowLink));
		*link = *(RowLink *) lfirst(lc);
		link->exprs = linitial(columns);
		result = lappend(result, link);
	}
	return result;
}

/* Turns the links of a private sub-select, in terms of its own level, into columns of its entry. */
void
expose_links(RangeTblEntry *rte, int rtindex, const Individuals *below, Individuals *individuals)
{
	individuals->links = links_as_columns(rte, rtindex, below->links);
	individuals->partial_links = links_as_columns(rte, rtindex, below->partial_links);
}

/* Is what names the row never NULL in the rows of the level that count? */
static bool
is_sure(Level *level, const RowLink *link)
{
	ListCell   *lc;

	foreach(lc, link->sure ? NIL : link->exprs)
	{
		if (!expression_not_null(level, lfirst(lc)))
			return false;
	}
	return true;
}

/*
 * Have the rows of the level in which the expressions are equal, or NULL, one individual, as they name a row?
 * What is released rests on the key then.
 */
bool
name_one_row(RewriteContext *context, Level *level, const Individuals *individuals, List *expressions)
{
	ListCell   *lc;

	foreach(lc, links_among(individuals->links, expressions))
	{
		if (is_sure(level, lfirst(lc)))
		{
			rest_on_key(context, ((RowLink *) lfirst(lc))->index);
			return true;
		}
	}
	return false;
}

/*
 * Is the level grouped, or made distinct, by what names a row, in all of its rows, and not by the unit?  Each group has
 * rows of one individual then.
 */
bool
grouped_by_link(RewriteContext *context, Level *level, Individuals *individuals)
{
	Query	   *query = level->query;
	List	   *clauses = query->groupClause != NIL || query->hasAggs ?
		query->groupClause : query->distinctClause;

	return !query->hasDistinctOn && !grouped_by_unit(query, individuals) &&
		name_one_row(context, level, individuals, clause_expressions(clauses, query->targetList));
}

/* ----------
 * Where the parent's row is
 * ----------
 */

/* Is the input below the node? */
static bool
stands_below(Node *node, int rtindex)
{
	Bitmapset  *members = NULL;

	jointree_members(node, &members);
	return bms_is_member(rtindex, members);
}

/* The equalities that hold in each row of a join tree, below which the input stands, in which it has a row. */
static List *
equalities_about(Node *node, int rtindex)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (IsA(node, FromExpr))
	{
		result = equalities_of(((FromExpr *) node)->quals);
		foreach(lc, ((FromExpr *) node)->fromlist)
		{
			if (stands_below(lfirst(lc), rtindex))
				return list_concat(result, equalities_about(lfirst(lc), rtindex));
		}
	}
	else if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;
		bool		left = stands_below(join->larg, rtindex);

		if (join->jointype == JOIN_INNER || (join->jointype == JOIN_LEFT && !left) ||
			(join->jointype == JOIN_RIGHT && left))
			result = equalities_of(join->quals);
		return list_concat(result, equalities_about(left ? join->larg : join->rarg, rtindex));
	}
	return result;
}

/* The individuals are those of another input, whose row the conditions tie to this one's. */
static void
take_individuals(Individuals *individuals, const Individuals *from)
{
	individuals->units = copyObject(from->units);
	individuals->partial = copyObject(from->partial);
	individuals->may_be_null = from->may_be_null;
	/* the conditions are not true of NULL */
	((RowLink *) linitial(individuals->links))->sure = true;
	individuals->pending = NULL;
}

/*
 * Finds an input that the conditions tie to a pending one by its link, and takes its individuals.  False if there is none;
 * *waits then tells whether there is one that is pending itself.
 */
static bool
settle_by_input(RewriteContext *context, Level *level, int rtindex, bool *waits)
{
	Individuals *pending = level->inputs[rtindex];
	List	   *own = list_make1(linitial(pending->links));
	List	   *equalities = equalities_about((Node *) level->query->jointree, rtindex);

	*waits = false;
	for (int i = 1; i <= list_length(level->query->rtable); i++)
	{
		Individuals *input = level->inputs[i];

		if (i == rtindex || input == NULL ||
			strcmp(NameStr(input->relation->population), NameStr(pending->relation->population)) != 0 ||
			!links_tie(context, equalities, own, all_links(input)))
			continue;
		if (input->pending != NULL)
		{
			*waits = true;
			continue;
		}
		take_individuals(pending, input);
		return true;
	}
	return false;
}

/* The links of an input of a query so many levels up, as they are seen from below. */
List *
links_from_below(const Individuals *input, Index up)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, all_links(input))
	{
		RowLink    *link = palloc(sizeof(RowLink));

		*link = *(RowLink *) lfirst(lc);
		link->exprs = (List *) seen_from_below((Node *) link->exprs, up);
		result = lappend(result, link);
	}
	return result;
}

/*
 * The same in a sub-select of an expression: an input of the level around it, to whose row at hand
 * the conditions tie the pending one.
 */
static bool
settle_by_outer_row(RewriteContext *context, Level *level, int rtindex)
{
	Level	   *outer = level->parent;
	Individuals *pending = level->inputs[rtindex];
	List	   *own = list_make1(linitial(pending->links));
	List	   *equalities;

	if (outer == NULL || outer->reads || !outer->below || outer->inputs == NULL)
		return false;
	equalities = equalities_about((Node *) level->query->jointree, rtindex);
	for (int i = 1; i <= list_length(outer->query->rtable); i++)
	{
		Individuals *input = outer->inputs[i];
		Individuals seen;

		if (input == NULL || input->pending != NULL || input->units == NIL ||
			strcmp(NameStr(input->relation->population), NameStr(pending->relation->population)) != 0 ||
			!links_tie(context, equalities, own, links_from_below(input, 1)))
			continue;
		seen = *input;
		seen.units = (List *) seen_from_below((Node *) input->units, 1);
		seen.partial = (List *) seen_from_below((Node *) input->partial, 1);
		take_individuals(pending, &seen);
		return true;
	}
	return false;
}

/* ----------
 * Joining the parent
 * ----------
 */

/* Is the key of the parent its unit? */
static bool
key_is_unit(const ResolvedLink *link)
{
	const ProtectedRelation *parent = policy_lookup(link->parent);

	if (parent->nunit != link->ncolumns)
		return false;
	for (int i = 0; i < link->ncolumns; i++)
	{
		if (!policy_is_unit(parent, link->key[i]))
			return false;
	}
	return true;
}

/*
 * Takes the link for the unit, in the unit's order, where the parent adds nothing else and a
 * foreign key shows that it is there.  False otherwise.
 */
static bool
take_link_for_unit(RewriteContext *context, Level *level, int rtindex)
{
	Individuals *individuals = level->inputs[rtindex];
	const ResolvedLink *link = individuals->pending;
	const ProtectedRelation *parent = policy_lookup(link->parent);
	Oid			relid = individuals->relation->relid;
	List	   *unit = NIL;
	Oid			foreign_key;

	if (!key_is_unit(link))
		return false;
	foreign_key = policy_foreign_key(relid, link);
	if (!OidIsValid(foreign_key) || list_length(context->references) >= DP_MAX_REFERENCES)
		return false;
	for (int i = 0; i < parent->nunit; i++)
	{
		for (int j = 0; j < link->ncolumns; j++)
		{
			if (link->key[j] == parent->unit[i])
				unit = lappend(unit, relation_column(relid, rtindex, link->link[j]));
		}
	}
	context->references = list_append_unique_oid(context->references, foreign_key);
	context->root->glob->relationOids = lappend_oid(context->root->glob->relationOids, link->parent);
	((RowLink *) linitial(individuals->links))->sure = true;	/* as the unit, where a row
																 * counts */
	individuals->units = list_make1(unit);
	individuals->pending = NULL;
	return true;
}

/* A column as one side of a comparison: as the type that the operator takes. */
static Node *
as_operand(Node *column, Oid opno, bool left)
{
	Oid			types[2];
	Oid			type;

	op_input_types(opno, &types[0], &types[1]);
	type = types[left ? 0 : 1];
	if (type == exprType(column) || IsPolymorphicType(type))
		return column;
	return (Node *) makeRelabelType((Expr *) column, type, -1, exprCollation(column), COERCE_IMPLICIT_CAST);
}

/* parent's key = link, as conditions.  The equality is that of the key's type. */
static List *
link_conditions(const ResolvedLink *link, Oid relid, int rtindex, int parent_index)
{
	List	   *result = NIL;

	for (int i = 0; i < link->ncolumns; i++)
	{
		Node	   *key = relation_column(link->parent, parent_index, link->key[i]);
		Node	   *column = relation_column(relid, rtindex, link->link[i]);
		Oid			opno = policy_link_equality(exprType(key), exprType(column));

		result = lappend(result, make_opclause(opno, BOOLOID, false,
											   (Expr *) as_operand(key, opno, true), (Expr *) as_operand(column, opno, false),
											   InvalidOid, exprCollation(key)));
		set_opfuncid(llast(result));
	}
	return result;
}

/* Puts a join in the place of an input in a join tree.  False if it is not below the node. */
static bool
put_join(Node **node, int rtindex, JoinExpr *join)
{
	ListCell   *lc;

	if (IsA(*node, RangeTblRef))
	{
		if (((RangeTblRef *) *node)->rtindex != rtindex)
			return false;
		join->larg = *node;
		*node = (Node *) join;
		return true;
	}
	if (IsA(*node, FromExpr))
	{
		foreach(lc, ((FromExpr *) *node)->fromlist)
		{
			if (put_join((Node **) &lfirst(lc), rtindex, join))
				return true;
		}
		return false;
	}
	return put_join(&((JoinExpr *) *node)->larg, rtindex, join) ||
		put_join(&((JoinExpr *) *node)->rarg, rtindex, join);
}

/* Notes that the query reads a column, for the check of privileges. */
static void
note_read_column(Query *query, RangeTblEntry *rte, AttrNumber attno)
{
	DpPermissions *permissions = DP_QUERY_PERMISSIONS(query, rte);

	permissions->selectedCols = bms_add_member(permissions->selectedCols,
											   attno - FirstLowInvalidHeapAttributeNumber);
}

/* Adds the parent that a link is to to the range table.  Returns its index. */
static int
add_parent(Query *query, const ResolvedLink *link)
{
	ParseState *state = make_parsestate(NULL);
	Relation	relation = table_open(link->parent, AccessShareLock);
	RangeTblEntry *rte = addRangeTableEntryForRelation(state, relation, AccessShareLock, NULL, true, true)->p_rte;
	const ProtectedRelation *rel = policy_lookup(link->parent);

	DP_ADD_ENTRY(query, rte, state);
	for (int i = 0; i < link->ncolumns; i++)
		note_read_column(query, rte, link->key[i]);
	for (int i = 0; i < rel->nunit; i++)
		note_read_column(query, rte, rel->unit[i]);
	for (int i = 0; i < rel->nlink; i++)
		note_read_column(query, rte, rel->link[i]);
	table_close(relation, NoLock);
	return list_length(query->rtable);
}

/* Joins the parent of a pending input in the input's place, and notes whose rows it holds. */
static void
join_parent(RewriteContext *context, Level *level, int rtindex)
{
	Query	   *query = level->query;
	Individuals *child = level->inputs[rtindex];
	const ResolvedLink *link = child->pending;
	int			before = list_length(query->rtable);
	JoinExpr   *join = makeNode(JoinExpr);
	RangeTblRef *ref = makeNode(RangeTblRef);

	count_level(context);
	if (child->parent_joined)
		elog(ERROR, "the parent of relation %u is not tied to it", child->relation->relid);
	child->parent_joined = true;
	ref->rtindex = add_parent(query, link);
	join->jointype = JOIN_INNER;
	join->rarg = (Node *) ref;
	join->quals = (Node *) make_ands_explicit(link_conditions(link, child->relation->relid, rtindex,
															  ref->rtindex));
	join->rtindex = add_join(query, JOIN_INNER);
	for (ListCell *lc = list_head(query->jointree->fromlist); lc != NULL; lc = lnext(query->jointree->fromlist, lc))
	{
		if (put_join((Node **) &lfirst(lc), rtindex, join))
			break;
	}
	level->inputs = repalloc(level->inputs, (list_length(query->rtable) + 1) * sizeof(Individuals *));
	for (int i = before + 1; i <= list_length(query->rtable); i++)
		level->inputs[i] = NULL;
	level->inputs[ref->rtindex] = individuals_of_relation(context, query, ref->rtindex);
	level->inputs[ref->rtindex]->joined = true;
	note_row_links(context, link->parent, ref->rtindex, level->inputs[ref->rtindex]);
}

/*
 * Finds out whose rows the linked relations of a level hold, and joins their parents where no item of FROM is tied to them.
 * Columns of joins stand for what they are (flatten_level()).  Raises ERRCODE_DP_QUERY_REFUSED for
 * a parent whose own link does not hold, and for too many.
 */
void
settle_links(RewriteContext *context, Level *level)
{
	int			alone;
	int			waiting;

	do
	{
		bool		progress = false;
		bool		waits;

		alone = waiting = 0;
		for (int i = 1; i <= list_length(level->query->rtable); i++)
		{
			if (level->inputs[i] == NULL || level->inputs[i]->pending == NULL)
				continue;
			if (settle_by_input(context, level, i, &waits) ||
				settle_by_outer_row(context, level, i))
				progress = true;
			else if (waits)
				waiting = waiting > 0 ? waiting : i;
			else
				alone = alone > 0 ? alone : i;
		}
		/* several that name one row wait for one another */
		alone = alone > 0 ? alone : waiting;
		if (alone > 0 && !progress && !take_link_for_unit(context, level, alone))
			join_parent(context, level, alone);
	} while (alone > 0);
}
