/*
 * proof.h
 *		Are the accounts as the chain says?
 */
#ifndef DP_LEDGER_PROOF_H
#define DP_LEDGER_PROOF_H

#include "postgres.h"

#include "utils/snapshot.h"

#include "ledger/walk.h"

/* What is wrong with the ledger. */
typedef struct LedgerFault
{
	bool		found;
	int64		id;				/* number of an entry; negative: none is to blame */
	const char *relation;		/* a table of the ledger, or NULL */
	const char *reason;
} LedgerFault;

/* What the entries so far say about accounts. */
typedef struct Proof Proof;

extern Proof *proof_begin(void);
extern void proof_add(Proof *proof, const WalkSource *source);
extern void proof_judge(Proof *proof, Snapshot snapshot, LedgerFault *fault);

#endif							/* DP_LEDGER_PROOF_H */
