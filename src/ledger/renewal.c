/*
 * renewal.c
 *		When accounts renew.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/timestamp.h"

#include "ledger/renewal.h"

/* ledger_next_renewal: the first renewal later than "after", by dp_agg.next_renewal(). */
TimestampTz
ledger_next_renewal(TimestampTz anchor, const Interval *period, TimestampTz after)
{
	Oid			types[] = {TIMESTAMPTZOID, INTERVALOID, TIMESTAMPTZOID};
	List	   *name = list_make2(makeString("dp_agg"), makeString("next_renewal"));

	return DatumGetTimestampTz(OidFunctionCall3(LookupFuncName(name, lengthof(types), types, false),
												TimestampTzGetDatum(anchor),
												IntervalPGetDatum(period),
												TimestampTzGetDatum(after)));
}
