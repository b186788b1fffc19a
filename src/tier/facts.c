/*
 * facts.c
 *		The facts that the tier of a release rests on; see facts.h.
 *
 * All of them are public: settings, the client's own connection, a size that is declared, the
 * price that the client chose.  No row is counted.
 *
 * Settings are looked at when a release starts, and not when its query is planned, so that a
 * cached plan is judged by what holds now.
 */
#include "postgres.h"

#include <math.h>
#include <sys/socket.h>

#include "access/parallel.h"
#include "libpq/pqcomm.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/backend_status.h"

#include "core/compat.h"
#include "core/settings.h"
#include "tier/facts.h"

/* Is the connection encrypted, by SSL or by GSSAPI? */
static bool
is_encrypted(const PgBackendStatus *session)
{
	return session->st_ssl || (session->st_gss && session->st_gssstatus->gss_enc);
}

/*
 * The entry in pg_stat_activity of the session that has a client and that this process works for:
 * its own, or that of a parallel worker's leader.  NULL if there is no client.
 */
static const PgBackendStatus *
session_status(void)
{
	int			count;

	if (MyProcPort != NULL)
		return MyBEEntry;
	if (!IsParallelWorker() || MyProc->lockGroupLeader == NULL)
		return NULL;
	count = pgstat_fetch_stat_numbackends();
	for (int i = 1; i <= count; i++)
	{
		const PgBackendStatus *session = DP_BACKEND_STATUS(i);

		if (session != NULL && session->st_procpid == MyProc->lockGroupLeader->pid)
			return session->st_backendType == B_BACKEND ? session : NULL;
	}
	return NULL;
}

/*
 * tier_transmission
 *		How results reach the client of this session.
 *
 * A process without a client, a background worker, keeps them within the machine.  TCP to the
 * machine's own address counts as any TCP: what stands behind it may be a tunnel or a proxy.
 * The server sees its own connection only, not what a proxy or pooler sends on.
 *
 * That is asked of the session's entry for pg_stat_activity, which every session has, and not
 * of its Port, whose header wants those of Kerberos.
 */
TierCode
tier_transmission(void)
{
	const PgBackendStatus *session = session_status();

	if (session == NULL)
		return TIER_LOCAL;
	if (session->st_clientaddr.addr.ss_family == AF_UNIX)
		return TIER_LOCAL;
	if (is_encrypted(session))
		return TIER_ENCRYPTED;
	return dp_setting_plain_transmission == PLAIN_IS_HIGH ? TIER_PLAIN_HIGH : TIER_PLAIN;
}

/* Where releases are computed: here, and in what environment that is said to be. */
static TierCodes
computation_codes(void)
{
	TierCodes	codes = TIER_BIT(TIER_CENTRAL);

	if (dp_setting_declared_environment == ENVIRONMENT_TRUSTED)
		codes |= TIER_BIT(TIER_TRUSTED_DECLARED);
	return codes;
}

/* An epsilon of the settings in nano-epsilon; 0, which stands for never, is no limit. */
static int64
limit_nano(double epsilon)
{
	return epsilon > 0 ? (int64) rint(epsilon * 1e9) : PG_INT64_MAX;
}

/*
 * tier_with_scale
 *		The codes of the same result if it covers so many individuals.
 */
TierCodes
tier_with_scale(TierCodes codes, double individuals)
{
	codes &= ~(TIER_BIT(TIER_LARGE_SCALE) | TIER_BIT(TIER_UNKNOWN_SCALE));
	if (dp_setting_tier_scale > 0 && individuals >= dp_setting_tier_scale)
		codes |= TIER_BIT(TIER_LARGE_SCALE);
	return codes;
}

/*
 * tier_of_session
 *		The codes of whatever this session is sent: where it is computed, and how it gets there.
 */
TierCodes
tier_of_session(void)
{
	return computation_codes() | TIER_BIT(tier_transmission());
}

/*
 * tier_of_release
 *		The codes of a release of this session.
 *
 * epsilon_nano: its price; individuals: the declared size of its population, 0 if there is
 * none.  What accounts have spent is for the ledger to say.
 */
TierCodes
tier_of_release(int64 epsilon_nano, int64 individuals)
{
	TierCodes	codes = TIER_BIT(TIER_STATISTIC) | tier_of_session();

	if (epsilon_nano > limit_nano(dp_setting_tier_epsilon))
		codes |= TIER_BIT(TIER_LARGE_EPSILON);
	if (individuals == 0)
		return codes | TIER_BIT(TIER_UNKNOWN_SCALE);
	return tier_with_scale(codes, (double) individuals);
}

/*
 * tier_lifetime_limit
 *		What an account may have spent in its lifetime before tiers are raised, in nano-epsilon;
 *		PG_INT64_MAX if they never are.
 */
int64
tier_lifetime_limit(void)
{
	return limit_nano(dp_setting_tier_lifetime_epsilon);
}
