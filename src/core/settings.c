/*
 * settings.c
 *		The settings of dp_agg: names, defaults, ranges, who may change them.
 *
 * A plan carries the settings that it was made with, so a change discards cached plans.
 */
#include "postgres.h"

#include <limits.h>

#include "access/parallel.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/plancache.h"

#include "core/limits.h"
#include "core/settings.h"
#include "mechanism/noise.h"

double		dp_setting_epsilon = 1.0;
double		dp_setting_delta = 1e-8;
int			dp_setting_max_groups = 0;
int			dp_setting_max_rows = 0;
int			dp_setting_min_individuals = 20;
double		dp_setting_min_epsilon = 0.001;
bool		dp_setting_index_scans = false;
bool		dp_setting_bound_node = true;
bool		dp_setting_audit_raw = false;

/* Has this session, by SET, ever switched dp_agg.audit_raw off? */
static bool audit_raw_was_switched_off = false;

/* A cached plan carries the settings that it was made with: new ones need a new plan. */
static void
assign_real(double newval, void *extra)
{
	ResetPlanCache();
}

/* The same for a setting of another type. */
static void
assign_int(int newval, void *extra)
{
	ResetPlanCache();
}

/* The same for a setting of another type. */
static void
assign_bool(bool newval, void *extra)
{
	ResetPlanCache();
}

/* Is dp_agg.audit_raw on by the server's, the role's or the database's configuration? */
static bool
audit_raw_is_configured(void)
{
	return strcmp(GetConfigOptionResetString("dp_agg.audit_raw"), "on") == 0;
}

/*
 * Those who are logged do not switch it off: a client's options never do, and SET only
 * what SET has switched on.
 */
static bool
check_audit_raw(bool *newval, void **extra, GucSource source)
{
	if (*newval || (source != PGC_S_CLIENT && source != PGC_S_SESSION))
		return true;
	if (source == PGC_S_SESSION)
		audit_raw_was_switched_off = true;
	/* a parallel worker takes over what its leader has, whatever the configuration has become */
	if (InitializingParallelWorker || (source == PGC_S_SESSION && !audit_raw_is_configured()))
		return true;
	GUC_check_errmsg("\"dp_agg.audit_raw\" cannot be switched off by a session");
	GUC_check_errhint("Change it in postgresql.conf, or with ALTER ROLE or ALTER DATABASE, and connect again.");
	return false;
}

/* Defines the settings; called once from _PG_init. */
void
settings_init(void)
{
	/* What one release spends, shared by all its outputs. */
	DefineCustomRealVariable("dp_agg.epsilon",
							 "Privacy loss epsilon of one release.",
							 "Shared by everything the release computes; rounded up to 1e-9.",
							 &dp_setting_epsilon, 1.0, 1e-9, 1000.0,
							 PGC_USERSET, 0, NULL, assign_real, NULL);

	/* What the gate spends. */
	DefineCustomRealVariable("dp_agg.delta",
							 "Privacy loss delta of one release.",
							 "The probability that one individual decides whether a group shows.",
							 &dp_setting_delta, 1e-8, 1e-18, 0.5,
							 PGC_USERSET, 0, NULL, assign_real, NULL);

	/* How many groups of a release one individual may count in. */
	DefineCustomIntVariable("dp_agg.max_groups",
							"Most groups of one release that an individual counts in.",
							"0 takes what the relation declares. Noise grows with it.",
							&dp_setting_max_groups, 0, 0, DP_MAX_GROUPS,
							PGC_USERSET, 0, NULL, assign_int, NULL);

	/* How many rows of an individual count in one group. */
	DefineCustomIntVariable("dp_agg.max_rows",
							"Most rows per group that an individual counts with.",
							"0 takes what the relation declares. Noise grows with it.",
							&dp_setting_max_rows, 0, 0, DP_MAX_ROWS,
							PGC_USERSET, 0, NULL, assign_int, NULL);

	/* A group with fewer individuals is never shown; 20 is the floor. */
	DefineCustomIntVariable("dp_agg.min_individuals",
							"Least number of individuals of a group that is released.",
							"Cannot be lowered below 20.",
							&dp_setting_min_individuals, 20, 20, INT_MAX,
							PGC_SUSET, 0, NULL, assign_int, NULL);

	/* If a release tells anything beside its answer, that should not be free. */
	DefineCustomRealVariable("dp_agg.min_epsilon",
							 "Least privacy loss epsilon of one release that is paid from an account.",
							 "An account may ask for more, see dp_agg.set_budget().",
							 &dp_setting_min_epsilon, 0.001, 1e-9, 1000.0,
							 PGC_SUSET, 0, NULL, assign_real, NULL);

	/* Which pages an index scan reads depends on rows; counters and running time show it. */
	DefineCustomBoolVariable("dp_agg.index_scans",
							 "Lets releases look rows of protected relations up by index.",
							 "Faster where conditions are selective; that a row is there can show in running time and in counters of the whole server.",
							 &dp_setting_index_scans, false,
							 PGC_SUSET, 0, NULL, assign_bool, NULL);

	/* Off, plain SQL computes the same: the reference that tests compare our nodes with. */
	DefineCustomBoolVariable("dp_agg.bound_node",
							 "Bounds and adds up contributions in custom scans where these can.",
							 "Off: by aggregates, grouping and row_number(), which takes several times as long.",
							 &dp_setting_bound_node, true,
							 PGC_SUSET, 0, NULL, assign_bool, NULL);

	/* Who may read rows is trusted, and yet asked to leave a trace. */
	DefineCustomBoolVariable("dp_agg.audit_raw",
							 "Logs in the ledger which raw rows of classified relations are read.",
							 "Where the configuration switches it on, no session switches it off.",
							 &dp_setting_audit_raw, false,
							 PGC_SUSET, 0, check_audit_raw, NULL, NULL);

	MarkGUCPrefixReserved("dp_agg");
}

/*
 * dp_agg.audit_raw: on also where it was switched off in the session before the
 * server's configuration switched it on.
 */
bool
setting_audit_raw(void)
{
	return dp_setting_audit_raw || (audit_raw_was_switched_off && audit_raw_is_configured());
}

/*
 * dp_agg.min_individuals: the least number of individuals of a group that is released, and
 * of a value that is chosen from a group.
 */
int
setting_min_individuals(void)
{
#ifdef DP_FAULT_GATE_19
	return dp_setting_min_individuals - 1;
#endif
#ifdef DP_FAULT_NOISELESS
	return 1;
#endif
	return dp_setting_min_individuals;
}
