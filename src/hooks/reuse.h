/*
 * reuse.h
 *		Answers that are handed out again, for releases that are about to be paid for.
 */
#ifndef DP_HOOKS_REUSE_H
#define DP_HOOKS_REUSE_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern void reuse_foresee(List *releases);
extern void reuse_answers(List *releases);
extern void reuse_paid(List *releases);
extern void reuse_note_import(void);

#endif							/* DP_HOOKS_REUSE_H */
