/*
 * params.c
 *		The parameters of a release, read when it is paid for and once more when it runs.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "core/errors.h"
#include "nodes/node_params.h"
#include "nodes/release/params.h"
#include "nodes/release/part_values.h"
#include "nodes/release/state.h"
#include "spec/spec.h"

/* Reads the parameters of this execution. */
void
read_params(ReleaseState *state, EState *estate, ReleaseParams *params)
{
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;
	ArrayType  *array = node_params(&state->css);
	double	   *values;

	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != state->spec->nparams)
		malformed("release parameters");
	values = MemoryContextAlloc(estate->es_query_cxt, state->spec->nparams * sizeof(double));
	memcpy(values, ARR_DATA_PTR(array), state->spec->nparams * sizeof(double));
	spec_read_params(state->spec, values, params);
	values_check(state->spec, params);
	ResetExprContext(econtext);
}

/*
 * The plan below evaluates its own copies of the parameters, later than the price and
 * the noise were derived from them.
 */
void
check_params_unchanged(ReleaseState *state, EState *estate)
{
	ReleaseParams now;

	read_params(state, estate, &now);
	if (memcmp(now.values, state->params.values, state->spec->nparams * sizeof(double)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DP_QUERY_REFUSED),
				 errmsg("a parameter has changed since the release was paid for"),
				 errhint("Write parameters that do not depend on settings.")));
}
