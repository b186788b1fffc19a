/*
 * audit.c
 *		The setting dp_agg.audit_raw, which those who are audited do not switch off.
 *
 * It is on if the configuration (of the server, the role, the database) says so, or if the
 * session has switched it on for itself.  A session may take back what it has switched on, and
 * nothing else: attempts are errors, as silence would be taken for success.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "utils/guc.h"

#include "core/audit.h"

static bool audit_raw = false;

/* Has this session ever switched the setting off, when the configuration did not have it on? */
static bool was_switched_off = false;

/* Does the configuration say on? */
static bool
is_configured(void)
{
	return strcmp(GetConfigOptionResetString("dp_agg.audit_raw"), "on") == 0;
}

/* Refuses "off" from the client: by SET where the configuration says on, by options always. */
static bool
check_audit_raw(bool *newval, void **extra, GucSource source)
{
	if (*newval || (source != PGC_S_CLIENT && source != PGC_S_SESSION))
		return true;
	if (source == PGC_S_SESSION)
	{
		was_switched_off = true;
		/* a parallel worker takes over what its leader has */
		if (InitializingParallelWorker || !is_configured())
			return true;
	}
	GUC_check_errmsg("\"dp_agg.audit_raw\" cannot be switched off by a session");
	GUC_check_errhint("Change it in postgresql.conf, or with ALTER ROLE or ALTER DATABASE, and connect again.");
	return false;
}

/* Defines the setting. */
void
audit_setting_init(void)
{
	/* Who may read rows is trusted, and yet leaves a trace. */
	DefineCustomBoolVariable("dp_agg.audit_raw",
							 "Logs in the ledger which raw rows of classified relations are read.",
							 "Where the configuration switches it on, no session switches it off.",
							 &audit_raw, false,
							 PGC_SUSET, 0, check_audit_raw, NULL, NULL);
}

/*
 * Are raw reads logged?  The configuration may have come to say so after the session
 * switched the setting off.
 */
bool
audit_raw_reads(void)
{
	return audit_raw || (was_switched_off && is_configured());
}
