/*
 * powerless.c
 *		Planning without anybody's rights.
 *
 * To plan a query is to run code of those who own its tables: what needs no row in the expressions of indexes, of their
 * conditions, of extended statistics, constraints and partition keys is computed by the planner, as the
 * current user.  Where that is the client, it is its own affair.  The queries of pieces are planned for a superuser, on
 * each machine, and they name tables of the client's: its functions would have all rights.  So the current user is meanwhile a
 * role that PostgreSQL has, and that may do nothing but a checkpoint.  No plan depends on it: privileges are checked
 * when a plan is run.
 *
 * Settings that such code has changed are taken back, or it could leave a search path to the superuser's next query in
 * the session.
 *
 * To look at these expressions instead would not do: an index that is made in another session does not
 * wait for those who read the table, and shards are tables on other machines.
 */
#include "postgres.h"

#include "catalog/pg_authid_d.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "policy/powerless.h"

/* Has a superuser been set aside? */
static bool superuser_aside = false;

/*
 * From here on the current user has no rights.  Must be paired with powerless_end(), also when an error
 * passes.
 */
void
powerless_begin(Powerless *outer)
{
	GetUserIdAndSecContext(&outer->user, &outer->context);
	outer->superuser = superuser_aside;
	outer->nestlevel = NewGUCNestLevel();
	superuser_aside = superuser_aside || superuser();
	SetUserIdAndSecContext(ROLE_PG_CHECKPOINT, outer->context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
}

void
powerless_end(const Powerless *outer)
{
	AtEOXact_GUC(false, outer->nestlevel);
	SetUserIdAndSecContext(outer->user, outer->context);
	superuser_aside = outer->superuser;
}

/* Is the current user a superuser, or set aside as one? */
bool
is_superuser_aside(void)
{
	return superuser_aside || superuser();
}
