/*
 * label.h
 *		Security labels of provider "dp_agg".
 */
#ifndef DP_LABEL_H
#define DP_LABEL_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "policy/policy.h"

extern void policy_register_provider(void);
extern ProtectedRelation *policy_read_labels(Oid relid);
extern ProtectedRelation *policy_read_declared(Oid relid);
extern RelationClasses *policy_read_classes(Oid relid);
extern void label_remove_all(Oid relid);
extern void label_append_all(StringInfo labels_text, Oid relid);

#endif							/* DP_LABEL_H */
