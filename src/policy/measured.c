/*
 * measured.c
 *		How the rows of a relation lie over individuals, as somebody has measured it.
 *
 * The label of a relation may say which share of its rows is beyond the first T of an
 * individual, for some T: the sum over individuals of what they have more than T, divided by
 * the number of rows.  Labels are public, so what is written there must have been released.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"

#include "policy/measured.h"
#include "policy/policy.h"

PG_FUNCTION_INFO_V1(dp_measured_at);

/* The numbers of rows at which it is measured. */
static const int measured_at[DP_MEASURED_POINTS] =
{
	1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 1000
};

/*
 * The share of the relation's rows (0 .. 1) that is beyond the first "rows" (at least 1) of an
 * individual, in *share; false if that was not measured.  Between two points it is on the line
 * that joins them, and at most too large: the share falls ever more slowly.
 */
bool
measured_share(const ProtectedRelation *rel, int64 rows, double *share)
{
	const double *beyond = rel->rows_beyond;
	int			i = 0;

	if (!rel->measured || rows > measured_at[DP_MEASURED_POINTS - 1])
		return false;
	while (measured_at[i] < rows)
		i++;
	*share = beyond[i];
	if (i > 0)
		*share += (beyond[i - 1] - beyond[i]) * (double) (measured_at[i] - rows) /
			(measured_at[i] - measured_at[i - 1]);
	return true;
}

/* measured_at() returns integer[]: the numbers of rows at which it is measured. */
PGDLLEXPORT Datum
dp_measured_at(PG_FUNCTION_ARGS)
{
	Datum		numbers[DP_MEASURED_POINTS];

	for (int i = 0; i < DP_MEASURED_POINTS; i++)
		numbers[i] = Int32GetDatum(measured_at[i]);
	PG_RETURN_POINTER(construct_array(numbers, DP_MEASURED_POINTS, INT4OID, sizeof(int32), true,
									  TYPALIGN_INT));
}
