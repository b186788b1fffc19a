/*
 * migrations.h
 *		DDL on protected relations, which their facades follow.
 */
#ifndef DP_MIGRATIONS_H
#define DP_MIGRATIONS_H

#include "postgres.h"

#include "tcop/utility.h"

/* What was noted of facades before a statement; NULL if it concerns none. */
typedef struct Migration Migration;

extern Migration *migration_begin(Node *statement, ProcessUtilityContext context);
extern void migration_end(const Migration *migration);

#endif							/* DP_MIGRATIONS_H */
