/*
 * policy.h
 *		What is protected, and by which declarations.
 */
#ifndef DP_POLICY_H
#define DP_POLICY_H

#include "postgres.h"

#include "access/attnum.h"
#include "datatype/timestamp.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

#include "tier/grade.h"

#define DP_PROVIDER "dp_agg"
#define DP_MAX_UNIT_COLUMNS 8
#define DP_MAX_LINK_STEPS 8		/* from a linked relation to the one that has the unit */
#define DP_DEFAULT_MAX_GROUPS 1
#define DP_DEFAULT_MAX_ROWS 1

#define DP_MAX_DOMAIN_KEYS 10000

/* The most characters that a text is declared to have. */
#define DP_MAX_CHARACTERS 1e9

/* At how many numbers of rows the distribution of rows over individuals was measured. */
#define DP_MEASURED_POINTS 15

/* The most individuals that a population is declared to have. */
#define DP_MAX_INDIVIDUALS 1e12

/*
 * Declared value bounds of one column.  Dates are days and timestamps
 * microseconds since 2000-01-01 (UTC), intervals microseconds with months of 30
 * days and days of 24 hours.
 */
typedef struct ColumnBounds
{
	AttrNumber	attno;
	double		lower;
	double		upper;
	double		norm;			/* of totals: root of the sum of squares over groups that
								 * Gaussian noise is made for; 0: in proportion to that of
								 * rows */
	char	   *outlived;		/* type they were declared for, if the column's is of another
								 * kind now (kinds.h); they do not count then.  Else NULL */
} ColumnBounds;

/*
 * Public values of one column: all it can be grouped by, as its type writes them
 * (with DateStyle ISO).  Labels may be written by hand, and types change: readers
 * must bear keys that are not of the type, and keys that are equal.
 */
typedef struct ColumnDomain
{
	AttrNumber	attno;
	int			nkeys;
	char	  **keys;
	char	   *outlived;		/* as of bounds */
} ColumnDomain;

/* To what conditions on a column of dates or timestamps are rounded. */
typedef struct ColumnGrain
{
	AttrNumber	attno;
	Interval	grain;			/* of months, of days, or of hours and less */
} ColumnGrain;

/* How many characters a column of texts has at most. */
typedef struct ColumnLength
{
	AttrNumber	attno;
	double		characters;		/* a whole number from 1 on */
} ColumnLength;

/* How one column is classified. */
typedef struct ColumnClass
{
	AttrNumber	attno;			/* in the relation that was asked about, also if it is a
								 * partition */
	TierColumn	column;
} ColumnClass;

/* The classified columns of a relation, protected or not; at least one. */
typedef struct RelationClasses
{
	int			ncolumns;
	ColumnClass columns[FLEXIBLE_ARRAY_MEMBER];
} RelationClasses;

/*
 * One protected relation.  "partition" is set when relid itself carries no
 * label but an ancestor does: it is protected, but releases must name the
 * ancestor (label_relid).
 */
typedef struct ProtectedRelation
{
	Oid			relid;
	Oid			label_relid;
	bool		partition;
	NameData	population;
	int			nunit;			/* 0: the labels name no unit */
	AttrNumber	unit[DP_MAX_UNIT_COLUMNS];
	int			unit_columns;	/* how many there were when it was protected */
	char	   *parent;			/* the relation whose rows' individuals its rows belong to
								 * (links.h), NULL: the unit says whose they are; nunit is 0
								 * then */
	char	   *parent_schema;
	int			nlink;			/* 0: the labels name no link */
	AttrNumber	link[DP_MAX_UNIT_COLUMNS];
	char	   *parent_key[DP_MAX_UNIT_COLUMNS];	/* the parent's columns that these are
													 * equal to */
	int			link_columns;	/* how many there were when it was protected */
	int			max_groups;
	int			max_rows;
	int			max_total;		/* rows of an individual in a whole release; 0: max_groups
								 * times max_rows */
	int			max_norm;		/* Euclidean norm of an individual's rows over groups, for
								 * Gaussian noise; 0: max_total */
	int64		individuals;	/* size of the population, as is declared; 0: it is not */
	bool		measured;		/* somebody has measured how its rows lie over individuals */
	double		rows_beyond[DP_MEASURED_POINTS];	/* measured.h; valid if measured */
	bool		preview;		/* analysts may read synthetic rows in the place of its own */
	bool		listed_columns; /* only the columns in "open" may be used */
	Bitmapset  *open;			/* attribute numbers; valid if listed_columns */
	Bitmapset  *index;			/* columns by whose indexes releases may look rows up */
	int			nbounds;
	ColumnBounds *bounds;
	int			ntotals;
	ColumnBounds *totals;		/* of the sum of an individual's values in a whole release */
	int			ndomains;
	ColumnDomain *domains;
	int			ngrains;
	ColumnGrain *grains;
	int			nlengths;
	ColumnLength *lengths;
} ProtectedRelation;

#endif							/* DP_POLICY_H */
