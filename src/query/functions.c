/*
 * functions.c
 *		The one list of functions and aggregates allowed below a release.
 *
 * Default deny.  A function is allowed when it is built in, written in C
 * (LANGUAGE internal), no aggregate or set-returning function, not volatile,
 * and either leakproof (PostgreSQL's own statement that it cannot fail or tell;
 * see CREATE FUNCTION) or named here by its C symbol: "safe" functions cannot
 * raise an error for any input, "wrapped" ones can and run inside total(), as
 * do all that may return a wide value: total() keeps values narrow.
 * Operators count as the function below them.  Nothing here reads a table,
 * runs SQL, changes state or sleeps.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "query/functions.h"

/* Cannot fail, though not marked leakproof in every version. */
static const char *const safe_functions[] = {
	/* numeric comparison: total, NaN included */
	"numeric_eq", "numeric_ne", "numeric_lt", "numeric_le", "numeric_gt", "numeric_ge",
	/* enum comparison: both labels exist */
	"enum_eq", "enum_ne", "enum_lt", "enum_le", "enum_gt", "enum_ge",
	/* time of the transaction */
	"now", "statement_timestamp",
	/* identity and widening */
	"numeric_uplus", "int2up", "int4up", "int8up", "float4up", "float8up",
	"numeric_abs", "numeric_uminus", "float8abs", "float4abs", "float8um", "float4um",
	"dfloor", "dceil", "dround", "dtrunc", "dsign", "numeric_sign",
	"booltext", "textlen", "bpcharlen", "byteaoctetlen", "textoctetlen",
	NULL
};

/* May raise a data exception: run inside total(). */
static const char *const wrapped_functions[] = {
	/* integers */
	"int2pl", "int2mi", "int2mul", "int2div", "int2mod", "int2um", "int2abs",
	"int4pl", "int4mi", "int4mul", "int4div", "int4mod", "int4um", "int4abs",
	"int8pl", "int8mi", "int8mul", "int8div", "int8mod", "int8um", "int8abs",
	"int24pl", "int24mi", "int24mul", "int24div",
	"int42pl", "int42mi", "int42mul", "int42div",
	"int28pl", "int28mi", "int28mul", "int28div",
	"int82pl", "int82mi", "int82mul", "int82div",
	"int48pl", "int48mi", "int48mul", "int48div",
	"int84pl", "int84mi", "int84mul", "int84div",
	"int2and", "int2or", "int2xor", "int2not", "int4and", "int4or", "int4xor", "int4not",
	"int8and", "int8or", "int8xor", "int8not",
	/* floating point */
	"float4pl", "float4mi", "float4mul", "float4div",
	"float8pl", "float8mi", "float8mul", "float8div",
	"float48pl", "float48mi", "float48mul", "float48div",
	"float84pl", "float84mi", "float84mul", "float84div",
	"dsqrt", "dpow", "dexp", "dlog1", "dlog10", "dcbrt",
	"width_bucket_float8", "width_bucket_numeric",
	/* numeric */
	"numeric_add", "numeric_sub", "numeric_mul", "numeric_div", "numeric_mod",
	"numeric_round", "numeric_trunc", "numeric_ceil", "numeric_floor",
	"numeric_sqrt", "numeric_ln", "numeric",
	/* casts among numbers, booleans and text */
	"i4toi2", "int82", "int84", "dtoi2", "dtoi4", "dtoi8", "ftoi2", "ftoi4", "ftoi8",
	"dtof", "numeric_int2", "numeric_int4", "numeric_int8",
	"numeric_float4", "numeric_float8", "float4_numeric", "float8_numeric",
	"int4_bool", "bool_int4", "bpchar", "varchar",
	/* date and time */
	"timestamp_trunc", "timestamptz_trunc", "interval_trunc", "timestamptz_trunc_zone",
	"timestamp_part", "timestamptz_part", "interval_part", "time_part",
	"extract_date", "extract_time", "extract_timestamp", "extract_timestamptz",
	"extract_interval", "timestamp_bin", "timestamptz_bin",
	"date_pli", "date_mii", "date_mi", "date_pl_interval", "date_mi_interval",
	"timestamp_pl_interval", "timestamp_mi_interval", "timestamp_mi",
	"timestamptz_pl_interval", "timestamptz_mi_interval",
	"timestamp_age", "timestamptz_age", "interval_pl", "interval_mi", "interval_um",
	"interval_mul", "interval_div", "date_finite", "timestamp_finite",
	"date_timestamp", "date_timestamptz", "timestamp_date", "timestamptz_date",
	"timestamp_timestamptz", "timestamptz_timestamp", "timestamp_scale", "timestamptz_scale",
	"timestamp_zone", "timestamptz_zone", "timestamp_time", "datetime_timestamp",
	"date_eq_timestamp", "date_ne_timestamp", "date_lt_timestamp",
	"date_le_timestamp", "date_gt_timestamp", "date_ge_timestamp",
	"timestamp_eq_date", "timestamp_ne_date", "timestamp_lt_date",
	"timestamp_le_date", "timestamp_gt_date", "timestamp_ge_date",
	"date_eq_timestamptz", "date_ne_timestamptz", "date_lt_timestamptz",
	"date_le_timestamptz", "date_gt_timestamptz", "date_ge_timestamptz",
	"timestamptz_eq_date", "timestamptz_ne_date", "timestamptz_lt_date",
	"timestamptz_le_date", "timestamptz_gt_date", "timestamptz_ge_date",
	"timestamp_eq_timestamptz", "timestamp_ne_timestamptz", "timestamp_lt_timestamptz",
	"timestamp_le_timestamptz", "timestamp_gt_timestamptz", "timestamp_ge_timestamptz",
	"timestamptz_eq_timestamp", "timestamptz_ne_timestamp", "timestamptz_lt_timestamp",
	"timestamptz_le_timestamp", "timestamptz_gt_timestamp", "timestamptz_ge_timestamp",
	/* text */
	"textlike", "textnlike", "texticlike", "texticnlike",
	"bpcharlike", "bpcharnlike", "bpchariclike", "bpcharicnlike", "like_escape",
	"lower", "upper", "initcap", "textcat", "btrim", "btrim1", "ltrim", "ltrim1",
	"rtrim", "rtrim1", "text_substr", "text_substr_no_len", "text_left", "text_right",
	"textpos", "split_part", "replace_text", "translate",
	"timestamp_to_char", "timestamptz_to_char", "interval_to_char", "numeric_to_char",
	"int4_to_char", "int8_to_char", "float4_to_char", "float8_to_char",
	/* documents */
	"json_object_field_text", "jsonb_object_field_text",
	NULL
};

/*
 * Leakproof and nevertheless run inside total(): they copy a stored value, which
 * may be wide.
 */
static const char *const copying_functions[] = {
	"text_larger", "text_smaller", "bpchar_larger", "bpchar_smaller", NULL
};

/* Standard aggregates allowed over the rows of one individual. */
static const char *const exact_aggregates[] = {
	"count", "sum", "avg", "min", "max", "bool_and", "bool_or", "every", NULL
};

typedef struct VerdictEntry
{
	Oid			funcid;			/* hash key, must be first */
	FunctionVerdict verdict;
} VerdictEntry;

static HTAB *verdicts = NULL;

static bool
listed(const char *const *list, const char *name)
{
	for (; *list != NULL; list++)
	{
		if (strcmp(*list, name) == 0)
			return true;
	}
	return false;
}

static FunctionVerdict
judge_function(Oid funcid)
{
	FunctionVerdict verdict = FUNCTION_REFUSED;
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	Form_pg_proc form;

	if (!HeapTupleIsValid(tuple))
		return FUNCTION_REFUSED;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	if (form->prolang == INTERNALlanguageId && form->prokind == PROKIND_FUNCTION &&
		!form->proretset && form->provolatile != PROVOLATILE_VOLATILE)
	{
		bool		isnull;
		Datum		source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
		char	   *symbol = isnull ? "" : TextDatumGetCString(source);

		if (listed(copying_functions, symbol) ||
			(!form->proleakproof && listed(wrapped_functions, symbol)))
			verdict = FUNCTION_WRAPPED;
		else if (form->proleakproof || listed(safe_functions, symbol))
			verdict = FUNCTION_SAFE;
	}
	ReleaseSysCache(tuple);
	return verdict;
}

/*
 * May this function stand below a release, and does it need total()?  Built-in
 * functions do not change while a server runs, so verdicts are kept.
 */
FunctionVerdict
function_verdict(Oid funcid)
{
	VerdictEntry *entry;
	bool		found;

	if (funcid >= FirstNormalObjectId)
		return FUNCTION_REFUSED;
	if (verdicts == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(VerdictEntry)};

		verdicts = hash_create("dp_agg function verdicts", 256, &control,
							   HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(verdicts, &funcid, HASH_FIND, NULL);
	if (entry == NULL)
	{
		FunctionVerdict verdict = judge_function(funcid);

		entry = hash_search(verdicts, &funcid, HASH_ENTER, &found);
		entry->verdict = verdict;
	}
	return entry->verdict;
}

/* Is this a function that total() may call? */
bool
function_is_total_wrapped(Oid funcid)
{
	return function_verdict(funcid) == FUNCTION_WRAPPED;
}

/*
 * May this standard aggregate compute something of one individual's rows below
 * a release?  *needs_tame: its floating-point or numeric argument must go
 * through tame() so that no input makes it overflow.
 */
bool
aggregate_is_allowed(Oid aggfnoid, bool *needs_tame)
{
	char	   *name;
	bool		allowed;

	*needs_tame = false;
	if (aggfnoid >= FirstNormalObjectId)
		return false;
	name = get_func_name(aggfnoid);
	allowed = name != NULL && listed(exact_aggregates, name);
	*needs_tame = allowed && (strcmp(name, "sum") == 0 || strcmp(name, "avg") == 0);
	return allowed;
}
