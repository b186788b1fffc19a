/*
 * quiet.h
 *		Nothing that the server counts or prints may tell about protected rows.
 */
#ifndef DP_QUIET_H
#define DP_QUIET_H

#include "postgres.h"

#include "executor/instrument.h"
#include "nodes/execnodes.h"

/* What a quiet section puts back at its end. */
typedef struct QuietState
{
	int			nestlevel;		/* nest level of the section's settings */
	BufferUsage buffers;		/* pgBufferUsage as it was before */
	WalUsage	wal;			/* pgWalUsage as it was before */
} QuietState;

extern void quiet_init(void);
extern void quiet_transaction(void);
extern bool quiet_wanted(void);
extern void quiet_again(void);
extern void quiet_messages(void);
extern void quiet_begin(QuietState *quiet);
extern void quiet_end(QuietState *quiet);
extern void quiet_relations(PlanState *state);
extern void loud_relations(EState *estate);

#endif							/* DP_QUIET_H */
