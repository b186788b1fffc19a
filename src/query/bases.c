/*
 * bases.c
 *		Which arguments of aggregates are made of others.
 *
 * sum(x + 1), sum(x + 2) and sum(2 * x) are functions of one sum and one count.  All arguments
 * of a level are looked at before the first becomes an output.  Those that are linear
 * combinations (linear.c) and have values in the same rows fall into classes.  In each class bases
 * are chosen that all of it is made of: the leaves, if these are not more than what they make;
 * else as many of the arguments as are independent.  An argument in a class of its own stays
 * as it is.
 *
 * Rows are the same where the FILTER is, and the leaves are, or no leaf is ever NULL.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_aggregate.h"

#include "query/bases.h"
#include "query/builder.h"
#include "query/linear.h"
#include "query/nulls.h"
#include "spec/spec.h"

/* What is left of a weight counts as 0 if it is a smaller share of the largest. */
#define NOTHING 1e-13

/* An argument of one or more aggregates with an equal FILTER. */
typedef struct Wish
{
	Node	   *expr;
	Node	   *filter;
	LinearForm	form;
	int			leaves[DP_FORM_TERMS];	/* numbers of the form's leaves */
	bool		used[USE_COUNT + 1];
	bool		never_null;		/* no leaf is ever NULL */
	int			class;			/* the first wish of its class */
	Combination made;			/* of bases; no parts: it stays as it is */
} Wish;

/*
 * Forms that are independent but for their shifts, as vectors: a number for each leaf, the shift,
 * and a number for each form that was added.  Each vector is what is left of a form when
 * those before are taken out of it, with 1 at its pivot, and says last of which forms it is made.
 */
typedef struct Echelon
{
	int			leaves;			/* number of all leaves */
	int			nrows;
	double	  **rows;
	int		   *pivots;
} Echelon;

/* ----------
 * What is asked
 * ----------
 */

/* The argument of an aggregate that has one. */
static Node *
only_argument(Aggref *aggref)
{
	return (Node *) linitial_node(TargetEntry, aggref->args)->expr;
}

/* Notes the argument of an aggregate, if it can be made of others, or others of it. */
void
note_argument(ReleaseBuilder *builder, Aggref *aggref, ArgumentUse use)
{
	Node	   *expr;
	Wish	   *wish;
	LinearForm	form;
	ListCell   *lc;

	if (aggref->aggkind != AGGKIND_NORMAL || aggref->aggdistinct != NIL || aggref->aggvariadic ||
		list_length(aggref->args) != 1 || list_length(builder->wishes) >= DP_MAX_OUTPUTS)
		return;
	expr = only_argument(aggref);
	foreach(lc, builder->wishes)
	{
		wish = lfirst(lc);
		if (equal(wish->expr, expr) && equal(wish->filter, aggref->aggfilter))
		{
			wish->used[use] = true;
			return;
		}
	}
	if (!linear_form(expr, &form))
		return;
	wish = palloc0(sizeof(Wish));
	wish->expr = expr;
	wish->filter = (Node *) aggref->aggfilter;
	wish->form = form;
	wish->used[use] = true;
	builder->wishes = lappend(builder->wishes, wish);
}

/* What an argument is made of; NULL if it stays as it is. */
const Combination *
find_combination(ReleaseBuilder *builder, Aggref *aggref)
{
	ListCell   *lc;

	if (list_length(aggref->args) != 1)
		return NULL;
	foreach(lc, builder->wishes)
	{
		Wish	   *wish = lfirst(lc);

		if (equal(wish->expr, only_argument(aggref)) &&
			equal(wish->filter, aggref->aggfilter))
			return wish->made.nparts > 0 ? &wish->made : NULL;
	}
	return NULL;
}

/* ----------
 * Classes
 * ----------
 */

/* Numbers the leaves of all arguments; equal ones alike.  Returns the list of them. */
static List *
number_leaves(ReleaseBuilder *builder)
{
	List	   *leaves = NIL;
	ListCell   *lc;

	foreach(lc, builder->wishes)
	{
		Wish	   *wish = lfirst(lc);

		wish->never_null = true;
		for (int t = 0; t < wish->form.nterms; t++)
		{
			Node	   *leaf = wish->form.terms[t].leaf;
			int			i = 0;
			ListCell   *ll;

			foreach(ll, leaves)
			{
				if (equal(lfirst(ll), leaf))
					break;
				i++;
			}
			if (i == list_length(leaves))
				leaves = lappend(leaves, leaf);
			wish->leaves[t] = i;
			wish->never_null = wish->never_null && expression_not_null(builder->level, leaf);
		}
	}
	return leaves;
}

/* How many leaves have both? */
static int
shared_leaves(const Wish *a, const Wish *b)
{
	int			shared = 0;

	for (int i = 0; i < a->form.nterms; i++)
	{
		for (int j = 0; j < b->form.nterms; j++)
			shared += a->leaves[i] == b->leaves[j] ? 1 : 0;
	}
	return shared;
}

/* Do two arguments have values in the same rows, and a leaf in common? */
static bool
are_related(const Wish *a, const Wish *b)
{
	int			shared = shared_leaves(a, b);

	if (shared == 0 || !equal(a->filter, b->filter))
		return false;
	return (a->never_null && b->never_null) ||
		(shared == a->form.nterms && shared == b->form.nterms);
}

/* Must squares be added up of what has several leaves?  It is better left as it is. */
static bool
stays_apart(const Wish *wish)
{
	return wish->used[USE_SPREAD] && wish->form.nterms > 1;
}

/* Gives each argument its class: those that are related, over others if need be. */
static void
classify(ReleaseBuilder *builder)
{
	int			n = list_length(builder->wishes);
	bool		changed = true;

	for (int i = 0; i < n; i++)
		((Wish *) list_nth(builder->wishes, i))->class = i;
	while (changed)
	{
		changed = false;
		for (int i = 0; i < n; i++)
		{
			Wish	   *a = list_nth(builder->wishes, i);

			for (int j = 0; j < n; j++)
			{
				Wish	   *b = list_nth(builder->wishes, j);

				if (b->class < a->class && !stays_apart(a) && !stays_apart(b) && are_related(a, b))
				{
					a->class = b->class;
					changed = true;
				}
			}
		}
	}
}

/* ----------
 * Bases
 * ----------
 */

/* Room for the vectors of so many forms. */
static Echelon
new_echelon(int leaves, int forms)
{
	return (Echelon) {.leaves = leaves,.rows = palloc(sizeof(double *) * forms),
		.pivots = palloc(sizeof(int) * forms)};
}

static int
echelon_width(const Echelon *echelon)
{
	return echelon->leaves + 1 + DP_MAX_OUTPUTS;
}

/* The largest magnitude of a leaf's weight in a vector, and where it is. */
static double
largest_weight(const Echelon *echelon, const double *vector, int *leaf)
{
	*leaf = 0;
	for (int i = 1; i < echelon->leaves; i++)
	{
		if (fabs(vector[i]) > fabs(vector[*leaf]))
			*leaf = i;
	}
	return fabs(vector[*leaf]);
}

/* The vector of a form, without what it has in common with those there are; is anything left? */
static double *
remainder_of(const Echelon *echelon, const Wish *wish, bool *independent, int *pivot)
{
	double	   *vector = palloc0(sizeof(double) * echelon_width(echelon));
	double		size;

	for (int t = 0; t < wish->form.nterms; t++)
		vector[wish->leaves[t]] = wish->form.terms[t].weight;
	vector[echelon->leaves] = wish->form.shift;
	size = largest_weight(echelon, vector, pivot);
	for (int r = 0; r < echelon->nrows; r++)
	{
		double		factor = vector[echelon->pivots[r]];

		for (int i = 0; factor != 0 && i < echelon_width(echelon); i++)
			vector[i] -= factor * echelon->rows[r][i];
	}
	*independent = largest_weight(echelon, vector, pivot) > size * NOTHING;
	return vector;
}

/* Adds a form if it is independent of those that are there. */
static bool
add_form_to(Echelon *echelon, const Wish *wish)
{
	bool		independent;
	int			pivot;
	double	   *vector = remainder_of(echelon, wish, &independent, &pivot);
	double		first = vector[pivot];

	if (!independent)
		return false;
	vector[echelon->leaves + 1 + echelon->nrows] = 1;
	for (int i = 0; i < echelon_width(echelon); i++)
		vector[i] /= first;
	echelon->rows[echelon->nrows] = vector;
	echelon->pivots[echelon->nrows++] = pivot;
	return true;
}

/*
 * How a form is made of those that were added, from what is left of it: their weights stand in
 * "weights", and the shift is returned.
 */
static double
solve(const Echelon *echelon, const Wish *wish, double shifts, double *weights)
{
	bool		independent;
	int			pivot;
	double	   *vector = remainder_of(echelon, wish, &independent, &pivot);
	double		largest = 0;

	for (int r = 0; r < echelon->nrows; r++)
	{
		weights[r] = -vector[echelon->leaves + 1 + r];
		largest = Max(largest, fabs(weights[r]));
	}
	for (int r = 0; r < echelon->nrows; r++)
	{
		if (fabs(weights[r]) < largest * NOTHING)
			weights[r] = 0;
	}
	return fabs(vector[echelon->leaves]) <= 16 * DBL_EPSILON * shifts ? 0 : vector[echelon->leaves];
}

/* A class of arguments, and what is known of it. */
typedef struct WishClass
{
	List	   *values;			/* those of which more than the number is asked */
	List	   *counts;			/* the others */
	Echelon		bases;			/* as many of the values as are independent, the shortest
								 * first */
	List	   *based;			/* these */
	int			leaves;			/* number of different leaves */
	double		shifts;			/* the largest magnitude of a shift */
	bool		counted;		/* the number of values is asked, or follows from the others */
} WishClass;

/* Finds the independent ones of a class, and what can be known of it. */
static void
measure_class(WishClass *class, int nleaves)
{
	bool	   *seen = palloc0(sizeof(bool) * nleaves);
	double		weights[DP_MAX_OUTPUTS];
	ListCell   *lc;

	class->bases = new_echelon(nleaves, list_length(class->values));
	class->counted = class->counts != NIL;
	for (int n = 1; n <= DP_FORM_TERMS; n++)
	{
		foreach(lc, class->values)
		{
			Wish	   *wish = lfirst(lc);

			if (wish->form.nterms == n && add_form_to(&class->bases, wish))
				class->based = lappend(class->based, wish);
		}
	}
	foreach(lc, class->values)
	{
		Wish	   *wish = lfirst(lc);

		class->shifts = Max(class->shifts, fabs(wish->form.shift));
		class->counted |= wish->used[USE_MEAN] || wish->used[USE_SPREAD] || wish->used[USE_COUNT];
		for (int t = 0; t < wish->form.nterms; t++)
		{
			class->leaves += seen[wish->leaves[t]] ? 0 : 1;
			seen[wish->leaves[t]] = true;
		}
	}
	foreach(lc, class->values)
	{
		if (solve(&class->bases, lfirst(lc), class->shifts, weights) != 0)
			class->counted = true;
	}
}

/* Makes each argument of its leaves. */
static void
use_leaves(WishClass *class)
{
	ListCell   *lc;

	foreach(lc, class->values)
	{
		Wish	   *wish = lfirst(lc);

		wish->made.shift = wish->form.shift;
		wish->made.nparts = wish->form.nterms;
		for (int t = 0; t < wish->form.nterms; t++)
		{
			wish->made.parts[t].base = wish->form.terms[t].leaf;
			wish->made.parts[t].weight = wish->form.terms[t].weight;
		}
	}
}

/* Makes each argument of the independent ones; one that takes too many stays as it is. */
static void
use_arguments(WishClass *class)
{
	double		weights[DP_MAX_OUTPUTS];
	ListCell   *lc;

	foreach(lc, class->values)
	{
		Wish	   *wish = lfirst(lc);
		Combination made = {.shift = solve(&class->bases, wish, class->shifts, weights)};

		for (int b = 0; b < class->bases.nrows; b++)
		{
			if (weights[b] != 0 && made.nparts++ < DP_FORM_TERMS)
			{
				made.parts[made.nparts - 1].base = ((Wish *) list_nth(class->based, b))->expr;
				made.parts[made.nparts - 1].weight = weights[b];
			}
		}
		if (made.nparts <= DP_FORM_TERMS)
			wish->made = made;
	}
}

/* Counts the values of one of them for all of a class: they have values in the same rows. */
static void
use_one_count(WishClass *class)
{
	Wish	   *one = linitial(class->values != NIL ? class->values : class->counts);
	Node	   *base = one->made.nparts > 0 ? one->made.parts[0].base :
		one->never_null || one->form.nterms == 1 ? one->form.terms[0].leaf : one->expr;
	ListCell   *lc;

	foreach(lc, class->counts)
	{
		Wish	   *wish = lfirst(lc);

		wish->made.nparts = 1;
		wish->made.parts[0].base = base;
		wish->made.parts[0].weight = 1;
	}
}

/* Chooses the bases of one class. */
static void
settle_class(WishClass *class, int nleaves)
{
	Wish	   *first;

	if (list_length(class->values) + list_length(class->counts) < 2)
		return;
	if (class->values != NIL)
	{
		first = linitial(class->values);
		measure_class(class, nleaves);
		if ((first->never_null || class->leaves == 1) && class->leaves <= class->bases.nrows &&
			(class->counted || class->shifts == 0))
			use_leaves(class);
		else if (class->bases.nrows < list_length(class->values))
			use_arguments(class);
	}
	use_one_count(class);
}

/* Decides what each argument that was noted is made of.  No other may be noted later. */
void
choose_bases(ReleaseBuilder *builder)
{
	int			nleaves;

	if (list_length(builder->wishes) < 2)
		return;
	nleaves = list_length(number_leaves(builder));
	classify(builder);
	for (int c = 0; c < list_length(builder->wishes); c++)
	{
		WishClass	class = {0};
		ListCell   *lc;

		foreach(lc, builder->wishes)
		{
			Wish	   *wish = lfirst(lc);
			bool		value = wish->used[USE_SUM] || wish->used[USE_MEAN] || wish->used[USE_SPREAD];

			if (wish->class != c)
				continue;
			if (value)
				class.values = lappend(class.values, wish);
			else
				class.counts = lappend(class.counts, wish);
		}
		settle_class(&class, nleaves);
	}
}
