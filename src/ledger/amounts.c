/*
 * amounts.c
 *		Conversions between rho and epsilon, for functions and views of the install script.
 */
#include "postgres.h"

#include "fmgr.h"

#include "accounting/concentrated.h"
#include "mechanism/status.h"

PG_FUNCTION_INFO_V1(dp_sql_rho_to_epsilon);
PG_FUNCTION_INFO_V1(dp_sql_rho_within);

/* Raises ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE unless a conversion has succeeded. */
static void
check_conversion(dp_status status)
{
	if (status != DP_OK)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("privacy loss is out of range")));
}

/* dp_agg.rho_to_epsilon(rho bigint, delta bigint) returns bigint, see dp_rho_to_epsilon() */
PGDLLEXPORT Datum
dp_sql_rho_to_epsilon(PG_FUNCTION_ARGS)
{
	int64		epsilon;

	check_conversion(dp_rho_to_epsilon(PG_GETARG_INT64(0), PG_GETARG_INT64(1), &epsilon));
	PG_RETURN_INT64(epsilon);
}

/* dp_agg.rho_within(epsilon bigint, delta bigint) returns bigint, see dp_rho_within() */
PGDLLEXPORT Datum
dp_sql_rho_within(PG_FUNCTION_ARGS)
{
	int64		rho;

	check_conversion(dp_rho_within(PG_GETARG_INT64(0), PG_GETARG_INT64(1), &rho));
	PG_RETURN_INT64(rho);
}
