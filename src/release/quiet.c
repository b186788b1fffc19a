/*
 * quiet.c
 *		Nothing the server counts or prints may tell about protected rows.
 *
 * While a release is planned, started or drained: no statistics counters
 * (pg_stat_*, pg_stat_get_xact_*), no trace of sorts and temporary files, no
 * messages below NOTICE.  The settings live in a nest level of their own, which
 * an abort unwinds; parallel workers inherit them.
 */
#include "postgres.h"

#include "release/release.h"
#include "utils/guc.h"

static void
set_quietly(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

/* Starts a quiet section; must be paired with quiet_end unless an error leaves it. */
void
quiet_begin(QuietState *quiet)
{
	quiet->nestlevel = NewGUCNestLevel();
	set_quietly("track_counts", "off");
	set_quietly("log_temp_files", "-1");
#ifdef TRACE_SORT
	set_quietly("trace_sort", "off");
#endif
	if (client_min_messages < NOTICE)
		set_quietly("client_min_messages", "notice");
}

void
quiet_end(QuietState *quiet)
{
	AtEOXact_GUC(false, quiet->nestlevel);
}
