/*
 * guarded.c
 *		What runs below a release in the place of calls that may fail.
 *
 * "Error or no error" is an exact bit about the rows, however the message
 * reads.  guarded() calls a built-in function that can raise a data exception
 * and returns NULL where it does.  Only functions of the list in policy/allowed.c
 * get here: pure C functions over values, which take no lock, open nothing and
 * leave no state behind, so catching their error needs no subtransaction (what
 * they palloc'd goes with the per-tuple context).  Every other error (cancel,
 * out of memory) is passed on.
 *
 * A value must not be too wide, either.  A row of more than 1 GB cannot be formed, for
 * a hash table or a sort, and fails only if it is there.  A value that is read from a
 * table is a TOAST pointer, and small in a row; a computed one is not.  So guarded()
 * returns NULL instead of a wide value.
 */
#include "postgres.h"

#include <math.h>

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "core/compat.h"
#include "core/errors.h"
#include "policy/allowed.h"
#include "query/guarded.h"
#include "spec/canonical.h"
#include "spec/decimal_sum.h"

PG_FUNCTION_INFO_V1(dp_guarded);
PG_FUNCTION_INFO_V1(dp_guarded_cast);
PG_FUNCTION_INFO_V1(dp_travelling);
PG_FUNCTION_INFO_V1(dp_travelling_cast);
PG_FUNCTION_INFO_V1(dp_flat);
PG_FUNCTION_INFO_V1(dp_canonical);
PG_FUNCTION_INFO_V1(dp_image);
PG_FUNCTION_INFO_V1(dp_exact_float4);
PG_FUNCTION_INFO_V1(dp_exact_float8);
PG_FUNCTION_INFO_V1(dp_nearest_float4);
PG_FUNCTION_INFO_V1(dp_nearest_float8);
PG_FUNCTION_INFO_V1(dp_tame_numeric);

/* Position of the first argument that goes to the function called. */
#define GUARDED_FIRST_ARGUMENT 2

StaticAssertDecl((Size) GUARDED_WIDEST * MaxTupleAttributeNumber < MaxAllocSize,
				 "a row of computed values can be formed");

typedef struct GuardedCache
{
	FmgrInfo	flinfo;
	Oid			decimals;		/* the function, if decimals of few digits need no call of it */
	int			nargs;
	bool		varlena;		/* the result is of variable length */
	bool		path;			/* a path through a document, the first argument, is followed */
	bool		fixed;			/* the arguments are constants, and so is the result */
	bool		is_known;		/* of a fixed one: it has been called, and that is what it
								 * returned: */
	bool		isnull;
	Datum		value;
	FunctionCallInfo fcinfo;
} GuardedCache;

/* Are the arguments of the call constants, or parameters of the statement? */
static bool
has_fixed_arguments(FmgrInfo *flinfo, int nargs)
{
	for (int i = 0; i < nargs; i++)
	{
		if (!get_fn_expr_arg_stable(flinfo, GUARDED_FIRST_ARGUMENT + i))
			return false;
	}
	return true;
}

/*
 * The function that guarded() calls here, looked up once per place in a plan.  Raises
 * ERRCODE_INSUFFICIENT_PRIVILEGE for a call that the rewriter did not make.
 */
static GuardedCache *
guard_cache(FunctionCallInfo fcinfo)
{
	GuardedCache *cache = fcinfo->flinfo->fn_extra;
	MemoryContext old;
	Oid			funcid;
	Node	   *expr;

	if (likely(cache != NULL))
		return cache;

	funcid = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);
	expr = fcinfo->flinfo->fn_expr;
	if (!function_is_guarded(funcid) || expr == NULL || !IsA(expr, FuncExpr))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this function is only used inside releases of dp_agg")));

	old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	cache = palloc0(sizeof(GuardedCache));
	cache->nargs = PG_NARGS() - GUARDED_FIRST_ARGUMENT;
	cache->path = cache->nargs > 1 &&
		get_fn_expr_argtype(fcinfo->flinfo, GUARDED_FIRST_ARGUMENT + 1) == JSONPATHOID;
	cache->varlena = get_typlen(((FuncExpr *) expr)->funcresulttype) == -1;
	cache->fixed = has_fixed_arguments(fcinfo->flinfo, cache->nargs);
	if (funcid == F_NUMERIC_ADD || funcid == F_NUMERIC_SUB || funcid == F_NUMERIC_MUL)
		cache->decimals = funcid;
	fmgr_info(funcid, &cache->flinfo);
	fmgr_info_set_expr((Node *) makeFuncExpr(funcid, ((FuncExpr *) expr)->funcresulttype,
											 list_copy_tail(((FuncExpr *) expr)->args,
															GUARDED_FIRST_ARGUMENT),
											 ((FuncExpr *) expr)->funccollid,
											 ((FuncExpr *) expr)->inputcollid,
											 COERCE_EXPLICIT_CALL),
					   &cache->flinfo);
	cache->fcinfo = palloc0(SizeForFunctionCallInfo(cache->nargs));
	InitFunctionCallInfoData(*cache->fcinfo, &cache->flinfo, cache->nargs,
							 PG_GET_COLLATION(), NULL, NULL);
	MemoryContextSwitchTo(old);
	fcinfo->flinfo->fn_extra = cache;
	return cache;
}

/*
 * In PG_CATCH(): drops an error that is about values, and passes others on.  The
 * arguments are what they were before PG_TRY().
 */
void
forgive_error(MemoryContext context, uint32 holdoff, uint32 cancel_holdoff)
{
	if (!error_is_about_values(geterrcode()))
		PG_RE_THROW();
	MemoryContextSwitchTo(context);
	FlushErrorState();
	InterruptHoldoffCount = holdoff;
	QueryCancelHoldoffCount = cancel_holdoff;
}

/* Opens a numeric that is stored as it is, and has few digits; false for any other. */
static inline bool
open_decimal(Datum value, Decimal *decimal)
{
	const struct varlena *stored = (const struct varlena *) DatumGetPointer(value);

	return !VARATT_IS_EXTERNAL(stored) && !VARATT_IS_COMPRESSED(stored) &&
		decimal_open(VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored), decimal);
}

/*
 * Numerics of few digits, added, subtracted or multiplied.  That cannot fail.  False if they are left to
 * the function.
 */
static bool
of_decimals(Oid function, const NullableDatum *args, Datum *result)
{
	Decimal		a;
	Decimal		b;
	Decimal		c;
	uint16		words[DECIMAL_MAX_WORDS];
	int			n;
	struct varlena *stored;

	if (!open_decimal(args[0].value, &a) || !open_decimal(args[1].value, &b) ||
		!(function == F_NUMERIC_MUL ? decimal_multiply(a, b, &c) :
		  decimal_add(a, b, function == F_NUMERIC_SUB, &c)) ||
		!decimal_store(&c, words, &n))
		return false;
	stored = palloc(VARHDRSZ + n * sizeof(uint16));
	SET_VARSIZE(stored, VARHDRSZ + n * sizeof(uint16));
	memcpy(VARDATA(stored), words, n * sizeof(uint16));
	*result = PointerGetDatum(stored);
	return true;
}

/* Keeps what a call of constants has returned, which is the same for all rows. */
static Datum
keep_result(FunctionCallInfo fcinfo, GuardedCache *cache, Datum result, bool isnull)
{
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	int16		typlen;
	bool		by_value;

	get_typlenbyval(((FuncExpr *) fcinfo->flinfo->fn_expr)->funcresulttype, &typlen, &by_value);
	cache->value = isnull ? (Datum) 0 : datumCopy(result, by_value, typlen);
	cache->isnull = isnull;
	cache->is_known = true;
	MemoryContextSwitchTo(old);
	fcinfo->isnull = isnull;
	return cache->value;
}

/*
 * guarded(function oid, NULL::result type, arguments ...)
 *
 * The function's result, or NULL where it raises a data exception or the result
 * is too wide.
 */
PGDLLEXPORT Datum
dp_guarded(PG_FUNCTION_ARGS)
{
	GuardedCache *cache = guard_cache(fcinfo);
	FunctionCallInfo call = cache->fcinfo;
	MemoryContext context = CurrentMemoryContext;
	uint32		holdoff = InterruptHoldoffCount;
	uint32		cancel_holdoff = QueryCancelHoldoffCount;
	volatile Datum result = (Datum) 0;
	volatile bool isnull = true;
	Datum		exact;

	if (cache->is_known)
	{
		fcinfo->isnull = cache->isnull;
		return cache->value;
	}
	for (int i = 0; i < cache->nargs; i++)
	{
		const NullableDatum *argument = &fcinfo->args[i + GUARDED_FIRST_ARGUMENT];

		if (argument->isnull && cache->flinfo.fn_strict)
			PG_RETURN_NULL();
		/* not as one struct: its parts have just been written one by one */
		call->args[i].value = argument->value;
		call->args[i].isnull = argument->isnull;
	}
	if (cache->decimals != InvalidOid && of_decimals(cache->decimals, call->args, &exact))
		PG_RETURN_DATUM(exact);
	/* what a path collects is larger than the document by a factor alone (paths.c) */
	if (cache->path && !call->args[0].isnull &&
		toast_raw_datum_size(call->args[0].value) > GUARDED_WIDEST)
		PG_RETURN_NULL();

	PG_TRY();
	{
		call->isnull = false;
		result = FunctionCallInvoke(call);
		isnull = call->isnull;
	}
	PG_CATCH();
	{
		forgive_error(context, holdoff, cancel_holdoff);
	}
	PG_END_TRY();

	isnull = isnull || (cache->varlena && toast_raw_datum_size(result) > GUARDED_WIDEST);
	if (cache->fixed)
		return keep_result(fcinfo, cache, result, isnull);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

typedef struct CastCache
{
	FmgrInfo	output;
	FmgrInfo	input;
	Oid			ioparam;
	bool		from_varlena;
	bool		to_varlena;
} CastCache;

/* The same for the two functions of a cast through text. */
static CastCache *
cast_cache(FunctionCallInfo fcinfo)
{
	CastCache  *cache = fcinfo->flinfo->fn_extra;
	Oid			source = get_fn_expr_argtype(fcinfo->flinfo, GUARDED_FIRST_ARGUMENT);
	Oid			target = get_fn_expr_rettype(fcinfo->flinfo);
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	Oid			output;
	Oid			input;

	if (likely(cache != NULL))
		return cache;
	if (PG_NARGS() != GUARDED_FIRST_ARGUMENT + 1 || !cast_is_allowed(source, target))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this function is only used inside releases of dp_agg")));
	cache = MemoryContextAllocZero(context, sizeof(CastCache));
	getTypeOutputInfo(source, &output, &cache->from_varlena);
	getTypeInputInfo(target, &input, &cache->ioparam);
	fmgr_info_cxt(output, &cache->output, context);
	fmgr_info_cxt(input, &cache->input, context);
	cache->to_varlena = get_typlen(target) == -1;
	fcinfo->flinfo->fn_extra = cache;
	return cache;
}

/*
 * guarded_cast(internal, NULL::result type, value)
 *
 * The value cast through text, as CoerceViaIO does; NULL where the text does not
 * fit the type, and for values and results that are too wide.
 */
PGDLLEXPORT Datum
dp_guarded_cast(PG_FUNCTION_ARGS)
{
	CastCache  *cache = cast_cache(fcinfo);
	MemoryContext context = CurrentMemoryContext;
	uint32		holdoff = InterruptHoldoffCount;
	uint32		cancel_holdoff = QueryCancelHoldoffCount;
	Datum		value = PG_GETARG_DATUM(GUARDED_FIRST_ARGUMENT);
	volatile Datum result = (Datum) 0;
	volatile bool isnull = true;

	if (PG_ARGISNULL(GUARDED_FIRST_ARGUMENT) ||
		(cache->from_varlena && toast_raw_datum_size(value) > GUARDED_WIDEST))
		PG_RETURN_NULL();

	PG_TRY();
	{
		result = InputFunctionCall(&cache->input, OutputFunctionCall(&cache->output, value),
								   cache->ioparam, -1);
		isnull = false;
	}
	PG_CATCH();
	{
		forgive_error(context, holdoff, cancel_holdoff);
	}
	PG_END_TRY();

	if (isnull || (cache->to_varlena && toast_raw_datum_size(result) > GUARDED_WIDEST))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

/* ----------
 * The same on other machines
 * ----------
 */

/* Are the arguments of a call of travelling() such as the function takes, or others of the same form? */
static bool
arguments_match(const FuncExpr *call, Oid funcid)
{
	Oid		   *types;
	int			n;
	int			given = list_length(call->args) - GUARDED_FIRST_ARGUMENT;
	ListCell   *lc;

	(void) get_func_signature(funcid, &types, &n);
	if (get_func_variadictype(funcid) == ANYOID ? given < n - 1 : given != n)
		return false;
	for_each_from(lc, call->args, GUARDED_FIRST_ARGUMENT)
	{
		Oid			wanted = types[Min(foreach_current_index(lc) - GUARDED_FIRST_ARGUMENT, n - 1)];

		if (wanted != ANYOID && !IsPolymorphicType(wanted) &&
			!IsBinaryCoercible(exprType(lfirst(lc)), wanted))
			return false;
	}
	return IsPolymorphicType(get_func_rettype(funcid)) ||
		IsBinaryCoercible(get_func_rettype(funcid), call->funcresulttype);
}

/*
 * Refuses a call that a superuser has not made, as whoever runs the piece of a release is one, or that has other
 * arguments than the function.
 */
static void
check_traveller(FunctionCallInfo fcinfo, bool cast)
{
	const FuncExpr *call = (const FuncExpr *) fcinfo->flinfo->fn_expr;

	if (!superuser() || PG_ARGISNULL(0) || call == NULL || !IsA(call, FuncExpr) ||
		(!cast && !arguments_match(call, PG_GETARG_OID(0))))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this function is only used inside releases of dp_agg")));
}

/*
 * travelling(function oid, NULL::result type, arguments ...)
 *
 * guarded(), in a query that has come as SQL (policy/travel.c).
 */
PGDLLEXPORT Datum
dp_travelling(PG_FUNCTION_ARGS)
{
	if (unlikely(fcinfo->flinfo->fn_extra == NULL))
		check_traveller(fcinfo, false);
	return dp_guarded(fcinfo);
}

/*
 * travelling_cast(oid, NULL::result type, value)
 *
 * guarded_cast(), likewise.
 */
PGDLLEXPORT Datum
dp_travelling_cast(PG_FUNCTION_ARGS)
{
	if (unlikely(fcinfo->flinfo->fn_extra == NULL))
		check_traveller(fcinfo, true);
	return dp_guarded_cast(fcinfo);
}

/*
 * flat(anyelement)
 *
 * A value of variable length, fetched from its TOAST table and decompressed; NULL if it is
 * too wide.
 */
PGDLLEXPORT Datum
dp_flat(PG_FUNCTION_ARGS)
{
	if (get_typlen(get_fn_expr_argtype(fcinfo->flinfo, 0)) != -1)
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	if (toast_raw_datum_size(PG_GETARG_DATUM(0)) > GUARDED_WIDEST)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0)));
}

/* ----------
 * One value for several
 * ----------
 */

/*
 * canonical(anyelement, typmod int)
 *
 * The canonical form of a value (spec/canonical.c); NULL where it would be too wide.
 */
PGDLLEXPORT Datum
dp_canonical(PG_FUNCTION_ARGS)
{
	Canonical  *canonical = fcinfo->flinfo->fn_extra;
	MemoryContext context = CurrentMemoryContext;
	uint32		holdoff = InterruptHoldoffCount;
	uint32		cancel_holdoff = QueryCancelHoldoffCount;
	volatile Datum result = (Datum) 0;
	volatile bool isnull = true;

	if (canonical == NULL)
	{
		Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);

		if (!canonical_exists(type))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("this function is only used inside releases of dp_agg")));
		canonical = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Canonical));
		canonical_open(canonical, type, PG_GETARG_INT32(1), fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = canonical;
	}
	if (canonical->length != -1)
		PG_RETURN_DATUM(canonical_datum(canonical, PG_GETARG_DATUM(0)));
	if (toast_raw_datum_size(PG_GETARG_DATUM(0)) > GUARDED_WIDEST)
		PG_RETURN_NULL();

	PG_TRY();
	{
		result = canonical_datum(canonical, PG_GETARG_DATUM(0));
		isnull = VARSIZE(DatumGetPointer(result)) > GUARDED_WIDEST;
	}
	PG_CATCH();
	{
		forgive_error(context, holdoff, cancel_holdoff);	/* jsonb of great depth */
	}
	PG_END_TRY();
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

/*
 * image(anyelement)
 *
 * The bytes of a value as a bytea, whatever its type: what a value that nothing can compare is
 * sorted by.
 */
PGDLLEXPORT Datum
dp_image(PG_FUNCTION_ARGS)
{
	Datum		value = PG_GETARG_DATUM(0);
	const void *bytes;
	Size		length;
	int16		typlen;
	bool		by_value;
	bytea	   *result;

	get_typlenbyval(get_fn_expr_argtype(fcinfo->flinfo, 0), &typlen, &by_value);
	if (typlen == -1)
		PG_RETURN_POINTER(PG_DETOAST_DATUM_COPY(value));
	bytes = by_value ? (const void *) &value : DatumGetPointer(value);
	length = by_value ? sizeof(Datum) : typlen == -2 ? strlen(bytes) : (Size) typlen;
	result = palloc(VARHDRSZ + length);
	SET_VARSIZE(result, VARHDRSZ + length);
	memcpy(VARDATA(result), bytes, length);
	PG_RETURN_BYTEA_P(result);
}

/*
 * The largest values that sums and averages add up.  These are numerics, whose sums do not depend
 * on the order of rows, and small enough that no sum can overflow.
 */
#define TAME_LARGEST 1e120
#define TAME_LARGEST_FLOAT4 1e18f

/* Integers up to here are floats exactly, and print with all digits. */
#define LARGEST_EXACT_INTEGER 9007199254740992.0

/* numeric_in() */
static Datum
decimal_of_text(char *text)
{
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
							   Int32GetDatum(-1));
}

/*
 * exact(float8), exact(float4)
 *
 * The shortest decimal that reads back as x, within -1e120 .. 1e120 (-1e18 .. 1e18); NULL for
 * NaN.  A sum of floats depends on the order in which they are added, a sum of
 * these does not (Ryu: Adams, "Ryu: Fast Float-to-String Conversion", 2018, as in
 * src/common/d2s.c).
 */
PGDLLEXPORT Datum
dp_exact_float8(PG_FUNCTION_ARGS)
{
	float8		x = PG_GETARG_FLOAT8(0);
	char		text[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (isnan(x))
		PG_RETURN_NULL();
	x = Max(Min(x, TAME_LARGEST), -TAME_LARGEST);
	if (fabs(x) <= LARGEST_EXACT_INTEGER && x == rint(x))
		PG_RETURN_NUMERIC(int64_to_numeric((int64) x));
	double_to_shortest_decimal_buf(x, text);
	PG_RETURN_DATUM(decimal_of_text(text));
}

/* See dp_exact_float8(). */
PGDLLEXPORT Datum
dp_exact_float4(PG_FUNCTION_ARGS)
{
	float4		x = PG_GETARG_FLOAT4(0);
	char		text[FLOAT_SHORTEST_DECIMAL_LEN];

	if (isnan(x))
		PG_RETURN_NULL();
	x = Max(Min(x, TAME_LARGEST_FLOAT4), -TAME_LARGEST_FLOAT4);
	if (x == rintf(x))
		PG_RETURN_NUMERIC(int64_to_numeric((int64) x));
	float_to_shortest_decimal_buf(x, text);
	PG_RETURN_DATUM(decimal_of_text(text));
}

/*
 * nearest_float8(numeric), nearest_float4(numeric)
 *
 * The float nearest to a sum or average of what exact() returns.  Never fails.  The casts do,
 * where the number is too small for a float.
 */
PGDLLEXPORT Datum
dp_nearest_float8(PG_FUNCTION_ARGS)
{
	return DirectFunctionCall1(numeric_float8_no_overflow, PG_GETARG_DATUM(0));
}

/* See dp_nearest_float8(). */
PGDLLEXPORT Datum
dp_nearest_float4(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT4((float4) DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
																 PG_GETARG_DATUM(0))));
}

/* tame(numeric): within -1e120 .. 1e120; NULL for NaN. */
PGDLLEXPORT Datum
dp_tame_numeric(PG_FUNCTION_ARGS)
{
	Numeric		x = PG_GETARG_NUMERIC(0);
	float8		approximate;

	if (numeric_is_nan(x))
		PG_RETURN_NULL();
	approximate = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
													 NumericGetDatum(x)));
	if (fabs(approximate) > TAME_LARGEST)
		PG_RETURN_DATUM(DirectFunctionCall1(float8_numeric,
											Float8GetDatum(approximate > 0 ? TAME_LARGEST :
														   -TAME_LARGEST)));
	PG_RETURN_NUMERIC(x);
}
