/*
 * query.h
 *		Shared by the files that turn an analyst's query into releases.
 *
 * Words: a "level" is one SELECT with its FROM, WHERE, GROUP BY.  A level is
 * private when its rows are rows about individuals, public otherwise.  A
 * private level that aggregates over individuals becomes a release, and is
 * public from there on.
 */
#ifndef DP_QUERY_H
#define DP_QUERY_H

#include "postgres.h"
#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"

#include "policy/policy.h"
#include "spec/spec.h"

/*
 * Whose rows a private level or FROM item holds.  "units" lists alternatives,
 * each a list of expressions, one per unit column, that are equal to the unit
 * in every row that counts; the first is never NULL in such a row unless the
 * row belongs to nobody.
 */
typedef struct Individuals
{
	const ProtectedRelation *relation;	/* the first protected relation */
	List	   *relids;			/* all protected relations below */
	List	   *units;			/* list of lists of Expr */
	bool		may_be_null;	/* the first alternative may be, all the same */
	bool		unique;			/* at most one row per individual ... */
	List	   *proofs;			/* ... as these unique indexes (OIDs) show */
	int			max_groups;
	int			max_rows;
} Individuals;

/* A level being worked on, and the levels around it. */
typedef struct Level
{
	Query	   *query;
	Individuals **inputs;		/* by range table index; NULL where public */
	Bitmapset  *nullable;		/* range table indexes under an outer join's weak side */
	struct Level *parent;		/* lexically enclosing level, or NULL */
	bool		below;			/* stands below a release, or will */
} Level;

/* State of one call of the planner hook. */
typedef struct RewriteContext
{
	PlannerInfo *root;			/* scratch, for inlining and constant folding */
	Oid			user;
	const char *source;			/* query string, for error positions */
	bool		analyst;		/* some relation is only readable through releases */
	int			strict;			/* > 0: inside a level that uses dp_ aggregates */
	int			releases;		/* how many were made */
	int			levels;			/* how many were processed */
	List	   *proofs;			/* unique indexes (OIDs) that groups below releases rest on */
} RewriteContext;

/* refuse.c */
typedef enum Refusal
{
	REFUSE_AGGREGATE,
	REFUSE_AGGREGATE_FORM,
	REFUSE_COLLATION,
	REFUSE_COLUMN,
	REFUSE_CORRELATED,
	REFUSE_DEBUG_PRINT,
	REFUSE_DISTINCT_BELOW,
	REFUSE_EXPLAIN,
	REFUSE_EXPRESSION,
	REFUSE_FROM_ITEM,
	REFUSE_FULL_JOIN,
	REFUSE_FUNCTION,
	REFUSE_GROUPING_SETS,
	REFUSE_INTERVAL,
	REFUSE_LIMIT_BELOW,
	REFUSE_MANY_OUTPUTS,
	REFUSE_MIXED,
	REFUSE_NOT_TIED,
	REFUSE_PADDING,
	REFUSE_PARAMETER,
	REFUSE_PARTITION,
	REFUSE_PATTERN,
	REFUSE_PER_INDIVIDUAL,
	REFUSE_PLAN,
	REFUSE_POPULATIONS,
	REFUSE_RECURSION,
	REFUSE_ROW_MARKS,
	REFUSE_SCAN,
	REFUSE_SERIALIZABLE,
	REFUSE_SETOP_BELOW,
	REFUSE_STACK,
	REFUSE_SUBLINK,
	REFUSE_SYSTEM_COLUMN,
	REFUSE_TABLESAMPLE,
	REFUSE_TOO_LARGE,
	REFUSE_TYPE,
	REFUSE_WIDE_PARAMETER,
	REFUSE_WINDOW_BELOW,
	REFUSE_WITH_ARGUMENTS
} Refusal;

extern void refuse(Refusal refusal, const char *source, int location) pg_attribute_noreturn();
extern void refuse_query(Refusal refusal, RewriteContext *context, Query *query) pg_attribute_noreturn();
extern int	limit_location(Query *query);
extern void refuse_failing(const char *message, const char *source, int location) pg_attribute_noreturn();
extern void refuse_raw(Oid relid) pg_attribute_noreturn();

/* levels.c */
extern void count_level(RewriteContext *context);
extern void inline_reference(RangeTblEntry *rte, CommonTableExpr *cte);
extern bool is_private_relation(RewriteContext *context, const RangeTblEntry *rte);
extern bool mentions_private(RewriteContext *context, Query *query);
extern bool statement_uses_dp(Query *query);
extern bool is_dp_aggregate(Aggref *aggref);
extern bool level_uses_dp(Query *query);
extern void require_unit(Level *level, Individuals *individuals);
extern void flatten_level(Query *query);
extern Individuals *process_query(RewriteContext *context, Query *query, Level *parent);
extern void process_statement(RewriteContext *context, Query *query);

/* provenance.c */
extern void tie_inputs(RewriteContext *context, Level *level, Individuals *result);
extern Node *strip_relabel(Node *node);
extern bool equalities_tie(List *equalities, List *left, List *right);
extern List *equalities_of(Node *quals);
extern bool expression_not_null(Level *level, Node *node);

/* language.c */
extern Node *total_expression(RewriteContext *context, Level *level, Node *node);

/* checks.c */
extern void check_compared(RewriteContext *context, Node *node);
extern SortGroupClause *default_clause(Oid type);

/* below.c */
extern void total_targets(RewriteContext *context, Level *level);
extern void total_from(RewriteContext *context, Level *level);
extern void total_query(RewriteContext *context, Query *query, Level *parent);

/* params.c */
extern Node *float8_const(double value);
extern Node *release_parameter(RewriteContext *context, Node *expr);
extern Node *parameter_as_float8(RewriteContext *context, Node *parameter);

/* bounds.c */
extern bool derive_bounds(Level *level, Node *node, double *lower, double *upper);
extern void no_bounds(RewriteContext *context, Level *level, Node *node, int location) pg_attribute_noreturn();

/* outputs.c */

/* What an output is about, while the release is being built. */
typedef struct WantedOutput
{
	int			set;			/* rows that count in it, or DP_NONE */
	bool		presence;		/* individuals in the set, not rows */
	int			sketch;			/* of distinct values, or DP_NONE */
} WantedOutput;

typedef struct ReleaseBuilder
{
	RewriteContext *context;
	Level	   *level;
	Individuals *individuals;
	ReleaseSpec spec;
	List	   *params;			/* float8 expressions, by position */
	List	   *arguments;		/* validated argument expressions of the collector */
	List	   *sketch_arguments;	/* of each sketch */
	List	   *aggregates;		/* the Aggrefs as written, one per output */
	WantedOutput wanted[DP_MAX_OUTPUTS];
	List	   *keys;			/* group key expressions as written */
	List	   *key_clauses;	/* their SortGroupClauses */
	List	   *domains;		/* public domains of all keys as arrays, or NIL */
	List	   *key_quals;		/* conditions of WHERE about keys alone */
} ReleaseBuilder;

extern int	add_output(ReleaseBuilder *builder, Aggref *aggref, SpecEnd end, Node *level);

/* arguments.c */
extern Node *aggregate_argument(Aggref *aggref, int i);
extern int	find_param(ReleaseBuilder *builder, SpecParamKind kind, Node *node);
extern int	find_bounds(ReleaseBuilder *builder, SpecParamKind kind, Node *lower, Node *upper);
extern Node *written_number(ReleaseBuilder *builder, Node *expr, Refusal otherwise);
extern Node *written_bound(ReleaseBuilder *builder, Node *expr);
extern int	argument_bounds(ReleaseBuilder *builder, Aggref *aggref, Node *expr, int i);
extern SpecArgType number_type(ReleaseBuilder *builder, Node *expr);
extern Node *total_argument(ReleaseBuilder *builder, Aggref *aggref, Node *expr);
extern bool never_null(ReleaseBuilder *builder, Aggref *aggref, Node *expr);
extern int	find_argument(ReleaseBuilder *builder, Node *expr, SpecArgType type, int bound);
extern int	find_set(ReleaseBuilder *builder, int x, int y, bool total);
extern bool is_unit(ReleaseBuilder *builder, Node *expr);

/* selections.c */
extern void add_rank(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output,
					 SpecTargetKind kind);
extern void add_quantile(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output);
extern void add_frequent(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output, bool top);
extern void add_histogram(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output);
extern void add_bounds(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output);
extern void add_distinct(ReleaseBuilder *builder, Aggref *aggref, SpecOutput *output);

/* coordinates.c */
extern void assign_coordinates(ReleaseBuilder *builder);
extern void drop_rows_without_values(ReleaseBuilder *builder);

/* wide.c */

/* Columns of a protected relation that a release reads for their values. */
typedef struct WideRelation
{
	Oid			relid;
	Bitmapset  *columns;		/* attribute numbers */
} WideRelation;

extern List *wide_columns(Query *release);
extern const Bitmapset *wide_columns_of(List *relations, Oid relid);

/* publics.c */
extern void inline_public_ctes(RewriteContext *context, Level *level, Query *release);
extern void read_publics_ahead(RewriteContext *context, Query *release);

/* keys.c */
extern Node *canonical_expression(RewriteContext *context, Node *expr);
extern Node *canonical_key(RewriteContext *context, Node *key);
extern void canonical_groups(RewriteContext *context, Query *query, Individuals *individuals);

/* choice.c */
extern void settle_choice(RewriteContext *context, Query *query);

/* domains.c */
extern void restrict_to_domains(ReleaseBuilder *builder);
extern void list_domains(ReleaseBuilder *builder, Query *query);

/* rewrite.c */
extern CommonTableExpr *make_cte(char *name, Query *query);
extern RangeTblEntry *make_cte_reference(CommonTableExpr *cte, Index levelsup);
extern bool query_is_release(Query *query);
extern void build_release(RewriteContext *context, Level *level, Individuals *individuals);

/* guard.c */
extern void guard_init(void);
extern const ReleaseSpec *planning_known_spec(const Aggref *aggref);
extern List *planning_needs(const ReleaseSpec *spec);
extern List *planning_wide(const ReleaseSpec *spec);
extern void planning_read_plainly(const ReleaseSpec *spec, Oid relid);
extern void planning_remember(const ReleaseSpec *spec, List *needs, List *wide);
extern void planning_believe(Oid relid, AttrNumber attno);
extern List *planning_believed(Oid relid);
extern bool planning_releases(void);
extern bool planning_quietly(void);
extern bool explaining(void);
extern bool role_is_analyst(Oid user, Oid relid, const ProtectedRelation *rel);
extern void refuse_unsafe_session(void);

/* The setting values a release starts from. */
extern double dp_setting_epsilon;
extern double dp_setting_delta;
extern int	dp_setting_max_groups;
extern int	dp_setting_max_rows;
extern int	dp_setting_min_individuals;
extern double dp_setting_min_epsilon;
extern bool dp_setting_index_scans;
extern bool dp_setting_bound_node;

#endif							/* DP_QUERY_H */
