/*
 * digest.h
 *		SHA-256, as the ledger uses it.
 */
#ifndef DP_LEDGER_DIGEST_H
#define DP_LEDGER_DIGEST_H

#include "postgres.h"

/* Bytes of a digest. */
#define LEDGER_DIGEST_SIZE 32

extern void ledger_digest(const char *data, Size length, uint8 *digest);

#endif							/* DP_LEDGER_DIGEST_H */
