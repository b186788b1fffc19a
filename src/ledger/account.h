/*
 * account.h
 *		Who holds an account on a population.
 */
#ifndef DP_ACCOUNT_H
#define DP_ACCOUNT_H

#include "postgres.h"

#include "policy/policy.h"

extern bool ledger_role_has_account(const NameData *population);
extern bool ledger_role_is_live(Oid role);
extern bool ledger_acts_as(Oid member, Oid role);
extern bool role_is_analyst(Oid user, Oid relid, const ProtectedRelation *rel);

#endif							/* DP_ACCOUNT_H */
