/*
 * account.h
 *		Who holds an account on a population, and what follows from it before it is charged.
 */
#ifndef DP_ACCOUNT_H
#define DP_ACCOUNT_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "policy/policy.h"

extern bool ledger_role_has_account(const NameData *population);
extern bool ledger_role_is_live(Oid role);
extern List *ledger_acting_roles(Oid session_user, Oid current_user);
extern Oid	ledger_accounts(void);
extern bool ledger_is_concentrated(const NameData *population);
extern int64 ledger_delta_share(const NameData *population, int64 epsilon_nano, int64 delta_atto);
extern bool role_is_analyst(Oid user, Oid relid, const ProtectedRelation *rel);

#endif							/* DP_ACCOUNT_H */
