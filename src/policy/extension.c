/*
 * extension.c
 *		Finds the functions of the extension by their membership (pg_depend).
 *
 * An analyst may create functions named like ours in its own schemas; only
 * membership tells them apart.  Each is looked up when it is asked for, because a parallel
 * worker or a cached plan never ran the planner hook, and is forgotten when
 * any function changes.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/catcache.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "core/compat.h"
#include "core/errors.h"
#include "policy/extension.h"

/* The version of the install script that this library works with, as in dp_agg.control. */
#define SQL_VERSION "1.1"

/* Names as they stand in the install script. */
static const struct
{
	const char *name;
	DpFunction	function;
}			known_functions[] =
{
	{"dp_count", DP_FUNC_COUNT},
	{"dp_count_distinct", DP_FUNC_COUNT_DISTINCT},
	{"dp_sum", DP_FUNC_SUM},
	{"dp_avg", DP_FUNC_AVG},
	{"dp_var", DP_FUNC_VAR},
	{"dp_variance", DP_FUNC_VAR},
	{"dp_var_samp", DP_FUNC_VAR},
	{"dp_var_pop", DP_FUNC_VAR_POP},
	{"dp_stddev", DP_FUNC_STDDEV},
	{"dp_stddev_samp", DP_FUNC_STDDEV},
	{"dp_stddev_pop", DP_FUNC_STDDEV_POP},
	{"dp_covar", DP_FUNC_COVAR},
	{"dp_covar_samp", DP_FUNC_COVAR},
	{"dp_covar_pop", DP_FUNC_COVAR_POP},
	{"dp_corr", DP_FUNC_CORR},
	{"dp_regr_slope", DP_FUNC_REGR_SLOPE},
	{"dp_regr_intercept", DP_FUNC_REGR_INTERCEPT},
	{"dp_regr_r2", DP_FUNC_REGR_R2},
	{"dp_regr_count", DP_FUNC_REGR_COUNT},
	{"dp_regr_avgx", DP_FUNC_REGR_AVGX},
	{"dp_regr_avgy", DP_FUNC_REGR_AVGY},
	{"dp_regr_sxx", DP_FUNC_REGR_SXX},
	{"dp_regr_syy", DP_FUNC_REGR_SYY},
	{"dp_regr_sxy", DP_FUNC_REGR_SXY},
	{"dp_median", DP_FUNC_MEDIAN},
	{"dp_quantile", DP_FUNC_QUANTILE},
	{"dp_min", DP_FUNC_MIN},
	{"dp_max", DP_FUNC_MAX},
	{"dp_bool_and", DP_FUNC_BOOL_AND},
	{"dp_bool_or", DP_FUNC_BOOL_OR},
	{"dp_mode", DP_FUNC_MODE},
	{"dp_top", DP_FUNC_TOP},
	{"dp_histogram", DP_FUNC_HISTOGRAM},
	{"dp_bounds", DP_FUNC_BOUNDS},
	{"dp_tier", DP_FUNC_TIER},
	{"dp_low", DP_FUNC_LOW},
	{"dp_high", DP_FUNC_HIGH},
	{"dp_clipped", DP_FUNC_CLIPPED},
	{"dp_with", DP_FUNC_WITH},
	{"collect", DP_FUNC_COLLECT},
	{"collect_bounded", DP_FUNC_COLLECT_BOUNDED},
	{"collect_clipped", DP_FUNC_COLLECT_CLIPPED},
	{"clip_cost", DP_FUNC_CLIP_COST},
	{"individual", DP_FUNC_INDIVIDUAL},
	{"sketch", DP_FUNC_SKETCH},
	{"sketch_rows", DP_FUNC_SKETCH_ROWS},
	{"sketch_bounded", DP_FUNC_SKETCH_BOUNDED},
	{"sketch_clipped", DP_FUNC_SKETCH_CLIPPED},
	{"bound", DP_FUNC_BOUND},
	{"bound_sketch", DP_FUNC_BOUND_SKETCH},
	{"bounding_hash", DP_FUNC_BOUNDING_HASH},
	{"output", DP_FUNC_OUTPUT},
	{"guarded", DP_FUNC_GUARDED},
	{"guarded_cast", DP_FUNC_GUARDED_CAST},
	{"tame", DP_FUNC_TAME},
	{"canonical", DP_FUNC_CANONICAL},
	{"image", DP_FUNC_IMAGE},
	{"exact", DP_FUNC_EXACT},
	{"nearest_float4", DP_FUNC_NEAREST_FLOAT4},
	{"nearest_float8", DP_FUNC_NEAREST_FLOAT8},
	{"flat", DP_FUNC_FLAT},
	{"number", DP_FUNC_NUMBER},
	{"derived_bound", DP_FUNC_DERIVED_BOUND},
	{"preview_rows", DP_FUNC_PREVIEW_ROWS},
	{"grain_end", DP_FUNC_GRAIN_END},
	{"grain_end_zoned", DP_FUNC_GRAIN_END_ZONED},
	{"shards", DP_FUNC_SHARDS},
	{"travelling", DP_FUNC_TRAVELLING},
	{"travelling_cast", DP_FUNC_TRAVELLING_CAST},
	{"protect", DP_FUNC_PROTECT},
	{"facades_before", DP_FUNC_FACADES_BEFORE},
	{"facades_after", DP_FUNC_FACADES_AFTER},
	{"conversion_begin", DP_FUNC_CONVERSION_BEGIN},
	{"conversion_remake", DP_FUNC_CONVERSION_REMAKE},
	{"facade_settle", DP_FUNC_FACADE_SETTLE},
	{"facade_remove", DP_FUNC_FACADE_REMOVE},
	{"administers", DP_FUNC_ADMINISTERS},
	{"population_known", DP_FUNC_POPULATION_KNOWN},
	{"population_found", DP_FUNC_POPULATION_FOUND},
	{"admin_add", DP_FUNC_ADMIN_ADD},
	{"admin_remove", DP_FUNC_ADMIN_REMOVE},
	{"account_set", DP_FUNC_ACCOUNT_SET},
	{"account_drop", DP_FUNC_ACCOUNT_DROP},
	{"cap_set", DP_FUNC_CAP_SET},
	{"cap_drop", DP_FUNC_CAP_DROP},
	{"reuse_set", DP_FUNC_REUSE_SET},
	{"reuse_refresh", DP_FUNC_REUSE_REFRESH},
	{"readers_warn", DP_FUNC_READERS_WARN},
};

typedef struct FunctionEntry
{
	Oid			funcid;			/* hash key, must be first */
	DpFunction	function;		/* DP_FUNC_NONE: it is none of ours */
} FunctionEntry;

/* What was asked for so far: a process that runs one query does not pay for the look-up of all. */
static HTAB *functions = NULL;
static Oid	extension = InvalidOid;
static bool functions_valid = false;

/* Some function has changed: all are looked up again when they are asked for. */
static void
syscache_callback(Datum arg, int cacheid, uint32 hashvalue)
{
	functions_valid = false;
}

/* Registers the invalidation callback; called once per process from _PG_init. */
void
extension_init_cache(void)
{
	CacheRegisterSyscacheCallback(PROCOID, syscache_callback, (Datum) 0);
}

/* The extension in this database, or InvalidOid; forgets what was known of functions, if that may not be so any more. */
static Oid
current_extension(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(FunctionEntry)};

	if (functions_valid)
		return extension;
	if (functions != NULL)
		hash_destroy(functions);
	functions = hash_create("dp_agg functions", 64, &control, HASH_ELEM | HASH_BLOBS);
	functions_valid = true;		/* an invalidation below clears it again ... */
	PG_TRY();
	{
		extension = get_extension_oid("dp_agg", true);
	}
	PG_CATCH();
	{
		functions_valid = false;	/* ... and so does an error */
		PG_RE_THROW();
	}
	PG_END_TRY();
	return extension;
}

/* Does the function belong to the extension? */
static bool
is_member(Oid funcid)
{
	Oid			current = current_extension();

	return OidIsValid(current) && getExtensionOfObject(ProcedureRelationId, funcid) == current;
}

/* Which of those that have a name here a member of the extension is. */
static DpFunction
function_by_name(Oid funcid)
{
	char	   *name = get_func_name(funcid);

	for (int i = 0; name != NULL && i < (int) lengthof(known_functions); i++)
	{
		if (strcmp(name, known_functions[i].name) == 0)
			return known_functions[i].function;
	}
	return DP_FUNC_OTHER;
}

/* Is the extension created in this database? */
bool
extension_installed(void)
{
	return OidIsValid(current_extension());
}

/* The version of the extension in this database, which may be none of ours; NULL: it is not installed. */
static char *
installed_version(void)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *version = NULL;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("dp_agg"));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, Anum_pg_extension_extversion,
										 RelationGetDescr(rel), &isnull);

		version = isnull ? "" : TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return version;
}

/*
 * extension_is_known
 *		Is the extension installed in this database, and of the version that this library is for?
 *
 * Between a new package and ALTER EXTENSION UPDATE it is of another.  Looked up anew each time: no
 * invalidation tells of a change of the version.
 */
bool
extension_is_known(void)
{
	char	   *version = installed_version();

	return version != NULL && strcmp(version, SQL_VERSION) == 0;
}

/*
 * extension_check_version
 *		Raises ERRCODE_DP_LEDGER if the extension in this database is of a version that this library
 *		is not for, older or newer; not if there is none.
 *
 * Nothing is known of the tables and functions of another version: nothing is released, charged or
 * written to them.
 */
void
extension_check_version(void)
{
	char	   *version = installed_version();

	if (version != NULL && strcmp(version, SQL_VERSION) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DP_LEDGER),
				 errmsg("extension dp_agg is of version %s in this database, and its library is for version %s",
						version, SQL_VERSION),
				 errdetail("There are no releases until both go together. Nothing was charged."),
				 errhint("If the extension is the older one, run ALTER EXTENSION dp_agg UPDATE as a superuser; if the library is, install the newer one and restart the server.")));
}

/* Which of our functions is this?  DP_FUNC_NONE for anybody else's. */
DpFunction
extension_function(Oid funcid)
{
	FunctionEntry *entry;
	DpFunction	result;

	if (funcid < FirstNormalObjectId)
		return DP_FUNC_NONE;
	if (!OidIsValid(current_extension()))
		return DP_FUNC_NONE;
	entry = hash_search(functions, &funcid, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->function;
	result = is_member(funcid) ? function_by_name(funcid) : DP_FUNC_NONE;
	entry = hash_search(functions, &funcid, HASH_ENTER, NULL);
	entry->function = result;
	return result;
}

typedef bool (*JudgeFunction) (Oid funcid, const oidvector *argtypes, Oid argument);

/*
 * The first form of one of our functions, under any of its names, which the judge takes, with an argument handed
 * on; InvalidOid if there is none.
 */
static Oid
find_form(DpFunction function, JudgeFunction judge, Oid argument)
{
	Oid			result = InvalidOid;

	for (int i = 0; i < (int) lengthof(known_functions) && !OidIsValid(result); i++)
	{
		CatCList   *forms;

		if (known_functions[i].function != function)
			continue;
		forms = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(known_functions[i].name));
		for (int j = 0; j < forms->n_members && !OidIsValid(result); j++)
		{
			Form_pg_proc form = (Form_pg_proc) GETSTRUCT(&forms->members[j]->tuple);

			if (is_member(form->oid) && judge(form->oid, &form->proargtypes, argument))
				result = form->oid;
		}
		ReleaseSysCacheList(forms);
	}
	return result;
}

static bool
may_execute(Oid funcid, const oidvector *argtypes, Oid role)
{
	return DP_MAY_EXECUTE(funcid, role);
}

/* May the role execute (some form of) the function?  False if there is none. */
bool
extension_role_may(DpFunction function, Oid role)
{
	return OidIsValid(find_form(function, may_execute, role));
}

static bool
takes_first(Oid funcid, const oidvector *argtypes, Oid type)
{
	return !OidIsValid(type) || (argtypes->dim1 > 0 && argtypes->values[0] == type);
}

/*
 * OID of one of our functions; argtype (of the first argument) chooses among
 * overloads, InvalidOid takes the only one.
 */
Oid
extension_oid(DpFunction function, Oid argtype)
{
	Oid			result = find_form(function, takes_first, argtype);

	if (!OidIsValid(result))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("a function of extension \"dp_agg\" is missing"),
				 errhint("Run ALTER EXTENSION dp_agg UPDATE.")));
	return result;
}
