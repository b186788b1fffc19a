/*
 * settings.c
 *		The settings of dp_agg: names, defaults, ranges, who may change them.
 *
 * A plan carries the settings that it was made with, so a change discards cached plans.
 * Those of risk tiers are looked at when a release starts, and are in no plan.
 */
#include "postgres.h"

#include <limits.h>

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/plancache.h"

#include "core/audit.h"
#include "core/compat.h"
#include "core/limits.h"
#include "core/settings.h"
#include "mechanism/noise.h"

double		dp_setting_epsilon = 1.0;
double		dp_setting_delta = 1e-8;
bool		dp_setting_delta_stated = false;	/* by somebody: it is not the default */
int			dp_setting_max_groups = 0;
int			dp_setting_max_rows = 0;
int			dp_setting_max_total = 0;
int			dp_setting_min_individuals = 20;
double		dp_setting_min_epsilon = 0.001;
double		dp_setting_notice_cut = 0.05;
bool		dp_setting_reuse = true;
bool		dp_setting_index_scans = false;
bool		dp_setting_bound_node = true;
int			dp_setting_tier_scale = 1000000;
double		dp_setting_tier_epsilon = 5.0;
double		dp_setting_tier_lifetime_epsilon = 50.0;
int			dp_setting_plain_transmission = PLAIN_IS_MEDIUM;
int			dp_setting_declared_environment = ENVIRONMENT_NONE;

static const struct config_enum_entry plain_options[] =
{
	{"medium", PLAIN_IS_MEDIUM, false},
	{"high", PLAIN_IS_HIGH, false},
	{NULL, 0, false}
};

static const struct config_enum_entry environment_options[] =
{
	{"none", ENVIRONMENT_NONE, false},
	{"trusted", ENVIRONMENT_TRUSTED, false},
	{NULL, 0, false}
};

/* A cached plan carries the settings that it was made with: new ones need a new plan. */
static void
assign_real(double newval, void *extra)
{
	ResetPlanCache();
}

/* Leaves to assign_delta() whether somebody has set dp_agg.delta. */
static bool
check_delta(double *newval, void **extra, GucSource source)
{
	bool	   *stated = DP_GUC_MALLOC(sizeof(bool));

	if (stated == NULL)
		return false;
	*stated = source > PGC_S_DEFAULT;
	*extra = stated;
	return true;
}

static void
assign_delta(double newval, void *extra)
{
	dp_setting_delta_stated = *(bool *) extra;
	ResetPlanCache();
}

/* The same as assign_real() for a setting of another type. */
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

/* Defines the settings of what releases compute. */
static void
define_release_settings(void)
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
							 "The probability that one individual decides whether a group shows. Unless it is set, a release costs no greater part of an account's delta than of its epsilon.",
							 &dp_setting_delta, 1e-8, 1e-18, 0.5,
							 PGC_USERSET, 0, check_delta, assign_delta, NULL);

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

	/* How many rows of an individual count in a release. */
	DefineCustomIntVariable("dp_agg.max_total",
							"Most rows of one release that an individual counts with.",
							"0 takes what the relation declares, or max_groups times max_rows. Noise grows with it.",
							&dp_setting_max_total, 0, 0, DP_MAX_TOTAL,
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

	/* Looked at when a release has run; nothing but a notice depends on it. */
	DefineCustomRealVariable("dp_agg.notice_cut",
							 "Share of rows that limits leave out above which a notice tells it.",
							 "It takes a relation whose rows per individual were measured, see dp_agg.set_measured(). 1: never.",
							 &dp_setting_notice_cut, 0.05, 0, 1,
							 PGC_USERSET, 0, NULL, NULL, NULL);

	/* Looked at when a statement is about to pay. */
	DefineCustomBoolVariable("dp_agg.reuse",
							 "Hands out earlier answers again, where the population has a window for that.",
							 "off: releases are drawn anew and paid for; their answers are what others are handed out then. See dp_agg.set_reuse().",
							 &dp_setting_reuse, true,
							 PGC_USERSET, 0, NULL, NULL, NULL);

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
}

/*
 * Defines the settings of risk tiers.  They decide what an auditor reads, so those who are
 * audited must not set them.
 */
static void
define_tier_settings(void)
{
	/* How many individuals are very many. */
	DefineCustomIntVariable("dp_agg.tier_scale",
							"Number of individuals from which the tier of a result is raised.",
							"0: never. That of a population is declared, see dp_agg.set_population_size().",
							&dp_setting_tier_scale, 1000000, 0, INT_MAX,
							PGC_SUSET, 0, NULL, NULL, NULL);

	/* How much one release may reveal. */
	DefineCustomRealVariable("dp_agg.tier_epsilon",
							 "Epsilon of one release above which its tier is raised.",
							 "0: never.",
							 &dp_setting_tier_epsilon, 5.0, 0, 1000.0,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	/* How much all releases of an account may reveal. */
	DefineCustomRealVariable("dp_agg.tier_lifetime_epsilon",
							 "Epsilon that an account has spent in its lifetime above which tiers are raised.",
							 "0: never. The statement that is being charged is included.",
							 &dp_setting_tier_lifetime_epsilon, 50.0, 0, 1e9,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	/* What a network reads along with. */
	DefineCustomEnumVariable("dp_agg.plain_transmission",
							 "Tier of a result that reaches its client over TCP without encryption.",
							 NULL,
							 &dp_setting_plain_transmission, PLAIN_IS_MEDIUM, plain_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);

	/* Nothing here can attest it: the reason of a tier says that it is declared. */
	DefineCustomEnumVariable("dp_agg.declared_environment",
							 "Declares that this server runs in a trusted execution environment.",
							 "It is not verified; reasons of tiers say that it is declared.",
							 &dp_setting_declared_environment, ENVIRONMENT_NONE,
							 environment_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);
}

/* Defines the settings; called once from _PG_init. */
void
settings_init(void)
{
	define_release_settings();
	define_tier_settings();
	audit_setting_init();
	MarkGUCPrefixReserved("dp_agg");
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
