/*
 * domains.h
 *		Public group keys.
 */
#ifndef DP_DOMAINS_H
#define DP_DOMAINS_H

#include "postgres.h"

#include "policy/policy.h"
#include "query/builder.h"

extern Const *domain_array(Oid relid, const ColumnDomain *domain, Oid type, Oid collation);
extern void restrict_to_domains(ReleaseBuilder *builder);
extern void list_domains(ReleaseBuilder *builder, Query *query);

#endif							/* DP_DOMAINS_H */
