/*
 * answers.h
 *		Answers of releases that are kept, to be handed out again.
 */
#ifndef DP_LEDGER_ANSWERS_H
#define DP_LEDGER_ANSWERS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/snapshot.h"

#include "ledger/protocol.h"
#include "ledger/writing.h"

/* For how long answers about a population are handed out again. */
typedef struct ReuseWindow
{
	Interval	lasts;			/* since they were made */
	TimestampTz refreshed_at;	/* none that was made before */
} ReuseWindow;

/* backend side */
extern Oid	ledger_reuse_table(void);
extern bool ledger_reuse_window(const NameData *population, Snapshot snapshot, ReuseWindow *window);
extern bytea *ledger_find_answer(const NameData *population, const uint8 *release, TimestampTz *made_at,
								 bool (*matches) (const bytea *answer, void *arg), void *arg);

/* worker side */
extern void answers_keep(Writing *writing, const LedgerKeep *keep);

#endif							/* DP_LEDGER_ANSWERS_H */
