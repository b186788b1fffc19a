/*
 * names.h
 *		Names of relations for messages, and for statements that messages suggest.
 */
#ifndef DP_NAMES_H
#define DP_NAMES_H

#include "postgres.h"

extern char *relation_for_message(Oid relid);
extern char *relation_for_statement(Oid relid);

#endif							/* DP_NAMES_H */
