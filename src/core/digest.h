/*
 * digest.h
 *		SHA-256.
 */
#ifndef DP_DIGEST_H
#define DP_DIGEST_H

#include "postgres.h"

/* Bytes of a digest. */
#define SHA256_SIZE 32

extern void sha256_of(const void *data, Size length, uint8 *digest);

#endif							/* DP_DIGEST_H */
