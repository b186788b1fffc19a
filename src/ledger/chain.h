/*
 * chain.h
 *		The chain of hashes over the entries of the ledger.
 */
#ifndef DP_LEDGER_CHAIN_H
#define DP_LEDGER_CHAIN_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "lib/stringinfo.h"

#include "core/digest.h"

/* Bytes of a hash. */
#define CHAIN_HASH_SIZE SHA256_SIZE

extern bool chain_read_hash(Datum value, bool isnull, uint8 *hash);
extern void chain_hash(StringInfo bytes, const char *kind, TupleDesc desc, const Datum *values,
					   const bool *nulls, uint8 *hash);

#endif							/* DP_LEDGER_CHAIN_H */
