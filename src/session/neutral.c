/*
 * neutral.c
 *		Settings of the client's stay out of what is done for it elsewhere.
 *
 * The query of the pieces of a release is planned by Citus, and written as text, under settings that the
 * client may change: some would have rows moved or the query printed, others decide how dates are
 * written.  So while that is done
 *
 * - what the client, its role or its connection has set of Citus is as Citus was built, and
 * - values are written in forms that any machine reads alike.
 *
 * What functions below a release go by is not left out: it travels in the head of a piece (spec/piece.h), and is
 * set while the piece is computed.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/value.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

#include "core/compat.h"
#include "session/neutral.h"

/* What functions of the session's go by: those that are stable, and that releases may use. */
const char *const session_settings[] = {
	"TimeZone", "DateStyle", "IntervalStyle", "lc_time", "lc_numeric", "lc_monetary",
	"extra_float_digits", "bytea_output", "xmlbinary", "xmloption", "default_text_search_config",
	"timezone_abbreviations"
};

const int	session_settings_count = lengthof(session_settings);

/* What comes is kept twice on its way, by Citus and by us, in so much memory each (kB) and in files beyond. */
#define MOST_KEPT (16 * 1024)

/* How values are written for other machines. */
static const char *const neutral_settings[][2] = {
	{"DateStyle", "ISO, YMD"},
	{"IntervalStyle", "postgres"},
	{"TimeZone", "UTC"},
	{"extra_float_digits", "1"},
	{"bytea_output", "hex"},
	{"search_path", "pg_catalog"},
	{"standard_conforming_strings", "on"},
	{"array_nulls", "on"},
	{"transform_null_equals", "off"},
};

/*
 * What of Citus's must be so: a plan that it makes of a query here would not come by our hooks, rows are
 * not to be moved or gathered, and nothing is printed.  A version that does not have a setting goes without.
 */
static const char *const citus_settings[][2] = {
	{"citus.enable_fast_path_router_planner", "off"},
	{"citus.enable_repartition_joins", "off"},
	{"citus.coordinator_aggregation_strategy", "disabled"},
	{"citus.propagate_set_commands", "none"},
	{"citus.log_remote_commands", "off"},
	{"citus.worker_min_messages", "error"},
};

static void
set_here(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, DEBUG5, false);
}

/* What a setting is where nobody has set it, as text; NULL if it has no such value. */
static const char *
built_in_value(struct config_generic *setting)
{
	switch (setting->vartype)
	{
		case PGC_BOOL:
			return DP_GUC_BOOT(setting, bool) ? "on" : "off";
		case PGC_INT:
			return psprintf("%d", DP_GUC_BOOT(setting, int));
		case PGC_REAL:
			return psprintf("%.17g", DP_GUC_BOOT(setting, real));
		case PGC_STRING:
			return DP_GUC_BOOT(setting, string);
		case PGC_ENUM:
			return config_enum_lookup_by_value(DP_GUC_ENUM(setting), DP_GUC_BOOT(setting, enum));
	}
	return NULL;
}

/* Has the client set it, by whatever means? */
static bool
is_of_client(const struct config_generic *setting)
{
	return setting->context == PGC_USERSET && setting->source > PGC_S_DATABASE &&
		strncmp(setting->name, "citus.", strlen("citus.")) == 0;
}

/*
 * From here on the client's settings do not count; returns what neutral_end() takes.  An error leaves it by
 * the abort.
 */
int
neutral_begin(void)
{
	int			nestlevel = NewGUCNestLevel();
	int			n;
	struct config_generic **settings = DP_GUC_VARIABLES(&n);

	for (int i = 0; i < n; i++)
	{
		const char *value = is_of_client(settings[i]) ? built_in_value(settings[i]) : NULL;

		if (value != NULL)
			set_here(settings[i]->name, value);
	}
	for (int i = 0; i < (int) lengthof(neutral_settings); i++)
		set_here(neutral_settings[i][0], neutral_settings[i][1]);
	for (int i = 0; i < (int) lengthof(citus_settings); i++)
		set_here(citus_settings[i][0], citus_settings[i][1]);
	if (work_mem > MOST_KEPT)
		set_here("work_mem", psprintf("%d", MOST_KEPT));
	return nestlevel;
}

/* Within it: Citus begins no transaction on machines that are only read from, which takes time on each. */
void
neutral_without_block(void)
{
	set_here("citus.select_opens_transaction_block", "off");
}

/* The client's settings count again. */
void
neutral_end(int nestlevel)
{
	AtEOXact_GUC(true, nestlevel);
}

/* What functions of the session's go by now: names and values (String), in turn. */
List *
session_settings_now(void)
{
	List	   *result = NIL;

	for (int i = 0; i < session_settings_count; i++)
	{
		const char *value = GetConfigOption(session_settings[i], true, false);

		if (value == NULL)
			continue;
		result = lappend(result, makeString(pstrdup(session_settings[i])));
		result = lappend(result, makeString(pstrdup(value)));
	}
	return result;
}

/*
 * Has functions of the session's go by these settings, of those that session_settings_now() tells; returns
 * what neutral_end() takes.  Raises what SET would.
 */
int
session_settings_take(List *settings)
{
	int			nestlevel = NewGUCNestLevel();

	for (int i = 0; i + 1 < list_length(settings); i += 2)
	{
		for (int j = 0; j < session_settings_count; j++)
		{
			if (strcmp(strVal(list_nth(settings, i)), session_settings[j]) == 0)
				(void) set_config_option(session_settings[j], strVal(list_nth(settings, i + 1)),
										 PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, ERROR, false);
		}
	}
	return nestlevel;
}
