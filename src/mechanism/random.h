/*
 * random.h
 *		Buffered random bytes from a source given as a function pointer.
 */
#ifndef DP_RANDOM_H
#define DP_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "mechanism/status.h"

/* A source: fills buf with len random bytes; returns 0 on success, anything else if it fails. */
typedef int (*dp_bytes_fn) (void *ctx, unsigned char *buf, size_t len);

/* Bytes that are asked of the source at a time; OpenSSL takes 1 us for a request of any size. */
#define DP_RANDOM_BUFFER 2048

/*
 * Rejections in a row after which a source is held to be broken
 * (DP_ERR_RANDOM) rather than waited for.  Every rejection loop of the
 * mechanisms is bounded by it; a sound source meets the bound with probability
 * below 2^-1000.
 */
#define DP_RANDOM_MAX_TRIES 1024

/* A generator: a source and a buffer of its bytes. */
typedef struct dp_random
{
	dp_bytes_fn fill;			/* the source */
	void	   *ctx;			/* first argument of the source */
	size_t		used;			/* number of bytes of buf that are handed out and wiped */
	unsigned char buf[DP_RANDOM_BUFFER];
} dp_random;

extern void dp_random_init(dp_random *rng, dp_bytes_fn fill, void *ctx);
extern void dp_random_wipe(dp_random *rng);
extern dp_status dp_random_u64(dp_random *rng, uint64_t *out);
extern dp_status dp_random_below(dp_random *rng, dp_uint128 bound, dp_uint128 *out);

/* OpenSSL's RAND_priv_bytes as a byte source; ctx is not used. */
extern int	dp_openssl_bytes(void *ctx, unsigned char *buf, size_t len);

#endif							/* DP_RANDOM_H */
