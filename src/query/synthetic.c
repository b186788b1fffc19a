/*
 * synthetic.c
 *		dp_agg.preview_rows(): rows that show what a relation looks like, and are no one's data.
 *
 * They are made up from what everybody may know: declared domains and bounds, classes, the names and
 * types of columns.  Neither the relation nor what the server knows of it (pg_statistic, its size)
 * is read.  Row i is the same for everybody as long as declarations are, so that what a tool
 * has cached stays true; columns are drawn by a hash of row and column, each by itself.
 *
 *		a direct identifier, and a column that is not open		NULL
 *		the unit				-1, -2, ... and 'made-up 1': of numbers and texts, which no key looks like
 *		with a domain			one of its values
 *		a quasi-identifier without one		NULL
 *		with bounds				between them
 *		else					a value of the type that is always the same; NULL of types without
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "policy/cache.h"
#include "query/calls.h"
#include "query/domains.h"
#include "spec/domain.h"

/* How many rows there are of each relation, however large it is. */
#define PREVIEW_ROWS 1000

PG_FUNCTION_INFO_V1(dp_preview_rows);

/* What a column is made of; all are 0 of one that is NULL. */
typedef struct Maker
{
	AttrNumber	attno;
	Oid			type;			/* without SQL domains */
	int32		typmod;
	int			nvalues;		/* one of these */
	Datum	   *values;
	const ColumnBounds *bounds; /* or between these */
	bool		unit;			/* or a key, for each row its own */
} Maker;

/* What stands for a value of a type without declarations. */
static const struct
{
	Oid			type;
	const char *text;
}			placeholders[] =
{
	{BOOLOID, "false"},
	{INT2OID, "0"},
	{INT4OID, "0"},
	{INT8OID, "0"},
	{FLOAT4OID, "0"},
	{FLOAT8OID, "0"},
	{NUMERICOID, "0"},
	{TEXTOID, "synthetic"},
	{VARCHAROID, "synthetic"},
	{BPCHAROID, "synthetic"},
	{NAMEOID, "synthetic"},
	{DATEOID, "2000-01-01"},
	{TIMESTAMPOID, "2000-01-01 00:00:00"},
	{TIMESTAMPTZOID, "2000-01-01 00:00:00+00"},
	{TIMEOID, "00:00:00"},
	{TIMETZOID, "00:00:00+00"},
	{INTERVALOID, "0"},
	{UUIDOID, "00000000-0000-0000-0000-000000000000"},
	{JSONOID, "{}"},
	{JSONBOID, "{}"},
};

/* A text as a value of a column's type; no longer than the type allows. */
static Datum
read_text(const Maker *maker, char *text)
{
	Oid			input;
	Oid			param;

	if ((maker->type == VARCHAROID || maker->type == BPCHAROID) && maker->typmod > VARHDRSZ &&
		(int) strlen(text) > maker->typmod - VARHDRSZ)
		text[maker->typmod - VARHDRSZ] = '\0';
	getTypeInputInfo(maker->type, &input, &param);
	return OidInputFunctionCall(input, text, param, maker->typmod);
}

/* The column has the same value in all rows. */
static void
make_constant(Maker *maker, const char *text)
{
	maker->nvalues = 1;
	maker->values = palloc(sizeof(Datum));
	maker->values[0] = read_text(maker, pstrdup(text));
}

/* The column has values of its domain. */
static void
make_of_domain(Maker *maker, Oid relid, const ColumnDomain *domain)
{
	Const	   *keys = domain_array(relid, domain, maker->type, InvalidOid);
	int16		length;
	bool		by_value;
	char		align;
	bool	   *nulls;

	get_typlenbyvalalign(maker->type, &length, &by_value, &align);
	deconstruct_array(DatumGetArrayTypeP(keys->constvalue), maker->type, length, by_value, align,
					  &maker->values, &nulls, &maker->nvalues);
}

/* The column has labels of its enum, which everybody may read. */
static void
make_of_enum(Maker *maker)
{
	CatCList   *labels = SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(maker->type));

	maker->nvalues = labels->n_members;
	maker->values = palloc(sizeof(Datum) * Max(maker->nvalues, 1));
	for (int i = 0; i < labels->n_members; i++)
		maker->values[i] = ObjectIdGetDatum(((Form_pg_enum) GETSTRUCT(&labels->members[i]->tuple))->oid);
	ReleaseCatCacheList(labels);
}

/* The column has a placeholder of its type. */
static void
make_of_type(Maker *maker)
{
	for (int i = 0; i < (int) lengthof(placeholders); i++)
	{
		if (placeholders[i].type == maker->type)
			make_constant(maker, placeholders[i].text);
	}
	if (get_typtype(maker->type) == TYPTYPE_ENUM)
		make_of_enum(maker);
}

/* Can keys of the unit be made up of this type? */
static bool
has_made_up_keys(Oid type)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
		case UUIDOID:
			return true;
		default:
			return false;
	}
}

/* Decides what a column is made of. */
static void
open_maker(Maker *maker, const ProtectedRelation *rel, Form_pg_attribute att)
{
	const ColumnDomain *domain = policy_domain(rel, att->attnum);

	*maker = (Maker) {.attno = att->attnum};
	if (att->attisdropped || !policy_column_open(rel, att->attnum) ||
		policy_is_direct(rel->relid, att->attnum))
		return;
	maker->typmod = att->atttypmod;
	maker->type = getBaseTypeAndTypmod(att->atttypid, &maker->typmod);
	if (policy_is_unit(rel, att->attnum))
		maker->unit = has_made_up_keys(maker->type);
	else if (domain != NULL && OidIsValid(get_array_type(maker->type)))
		make_of_domain(maker, rel->relid, domain);
	else if (policy_is_quasi(rel->relid, att->attnum))
		return;
	else if (policy_bounds(rel, att->attnum) != NULL &&
			 domain_of_type(maker->type) != SPEC_ARG_ANY)
		maker->bounds = policy_bounds(rel, att->attnum);
	else
		make_of_type(maker);
}

/* A made-up key of the unit; row: from 1 on. */
static Datum
made_up_key(const Maker *maker, int row)
{
	bool		wide = maker->typmod < VARHDRSZ || maker->typmod - VARHDRSZ >= (int) strlen("made-up 1000");

	switch (maker->type)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
			return read_text(maker, psprintf(wide ? "made-up %d" : "-%d", row));
		case UUIDOID:
			return read_text(maker, psprintf("00000000-0000-0000-0000-%012d", row));
		default:
			return domain_datum(maker->type, -row);
	}
}

/* How many values of a column with bounds there are in a unit: few, so that they read well. */
static double
values_per_unit(const Maker *maker)
{
	double		range = maker->bounds->upper - maker->bounds->lower;

	switch (domain_of_type(maker->type))
	{
		case SPEC_ARG_TIMESTAMP:
		case SPEC_ARG_INTERVAL:
			return range >= 100 * 1e6 ? 1e-6 : 1;	/* seconds, or microseconds */
		default:
			return range >= 100 ? 1 : pow(10, 2 + Max(ceil(-log10(range)), 0));
	}
}

/* A value between the bounds, at a share of the way from 0 to 1. */
static Datum
value_between(const Maker *maker, double share)
{
	const ColumnBounds *bounds = maker->bounds;
	double		per_unit = values_per_unit(maker);
	double		x = rint((bounds->lower * (1 - share) + bounds->upper * share) * per_unit) / per_unit;

	return domain_datum(maker->type, Min(Max(x, bounds->lower), bounds->upper));
}

/* The value of a column in a row, from 1 on. */
static Datum
make_value(const Maker *maker, int row, bool *isnull)
{
	uint32		drawn = hash_bytes_uint32(((uint32) maker->attno << 16) + (uint32) row);

	*isnull = false;
	if (maker->unit)
		return made_up_key(maker, row);
	if (maker->bounds != NULL)
		return value_between(maker, drawn / (double) PG_UINT32_MAX);
	if (maker->nvalues > 0)
		return maker->values[drawn % (uint32) maker->nvalues];
	*isnull = true;
	return (Datum) 0;
}

/* Raises an error unless these are the columns of the relation. */
static void
check_columns(TupleDesc asked, TupleDesc desc)
{
	bool		same = asked->natts == desc->natts;

	for (int i = 0; same && i < desc->natts; i++)
		same = TupleDescAttr(desc, i)->attisdropped ? TupleDescAttr(asked, i)->atttypid == INT4OID :
			TupleDescAttr(asked, i)->atttypid == TupleDescAttr(desc, i)->atttypid;
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("synthetic rows have the columns of the relation"),
				 errhint("Select from the relation itself, with LIMIT.")));
}

/* Says what the rows are: not every tool shows it, but every log that keeps notices does. */
static void
tell(Oid relid)
{
	ereport(NOTICE,
			(errmsg("these rows of %s are synthetic: they are made up from its declarations, and are no one's data",
					get_rel_name(relid)),
			 errdetail("There are %d of them, however many rows the relation has.", PREVIEW_ROWS),
			 errhint("Aggregates, as count(*) or avg(...), are about its own rows.")));
}

/*
 * dp_agg.preview_rows(relation): see the install script.  Errors: 42501 where synthetic rows are
 * not allowed, 42804 other columns, DP003 unreadable domain.
 */
PGDLLEXPORT Datum
dp_preview_rows(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const FuncExpr *call = (FuncExpr *) fcinfo->flinfo->fn_expr;
	const ProtectedRelation *rel = policy_lookup(relid);
	Relation	relation;
	TupleDesc	desc;
	Maker	   *makers;
	Datum	   *values;
	bool	   *nulls;

	/* by itself it could be joined, counted and kept, as what it is not */
	if (rel == NULL || !rel->preview || rel->partition || call == NULL || !IsA(call, FuncExpr) ||
		!is_call_of_rewriter(call))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("relation with OID %u shows no synthetic rows here", relid),
				 errhint("Select from the relation itself, with LIMIT, where dp_agg.set_preview() allows it.")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	relation = relation_open(relid, AccessShareLock);
	desc = RelationGetDescr(relation);
	check_columns(result->setDesc, desc);
	makers = palloc(desc->natts * sizeof(Maker));
	values = palloc(desc->natts * sizeof(Datum));
	nulls = palloc(desc->natts * sizeof(bool));
	for (int i = 0; i < desc->natts; i++)
		open_maker(&makers[i], rel, TupleDescAttr(desc, i));
	tell(relid);
	for (int row = 1; row <= PREVIEW_ROWS; row++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < desc->natts; i++)
			values[i] = make_value(&makers[i], row, &nulls[i]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	relation_close(relation, AccessShareLock);
	return (Datum) 0;
}
