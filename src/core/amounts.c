/*
 * amounts.c
 *		Amounts in units of the ledger as SQL shows them.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "core/amounts.h"

/* An amount in units of 10^-digits as numeric. */
Datum
amount_numeric(int64 amount, int digits)
{
	Datum		unit = DirectFunctionCall3(numeric_in, CStringGetDatum(psprintf("1e-%d", digits)),
										   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));

	return DirectFunctionCall2(numeric_mul, DirectFunctionCall1(int8_numeric, Int64GetDatum(amount)),
							   unit);
}
