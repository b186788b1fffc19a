/*
 * chain.h
 *		The chain of hashes over the entries of the ledger.
 */
#ifndef DP_LEDGER_CHAIN_H
#define DP_LEDGER_CHAIN_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "lib/stringinfo.h"

/* Bytes of a hash: SHA-256. */
#define CHAIN_HASH_SIZE 32

/* What computes hashes, with a buffer that is used again. */
typedef struct Chain Chain;

extern Chain *chain_open(void);
extern void chain_hash(Chain *chain, const char *kind, TupleDesc desc, const Datum *values,
					   const bool *nulls, uint8 *hash);

#endif							/* DP_LEDGER_CHAIN_H */
