/*
 * random.c
 *		Buffered random bytes and exact uniform integers.
 *
 * Every random decision of the mechanisms is taken here, from bytes of a
 * source given as a function pointer: OpenSSL's private generator in the
 * shipped library, anything in a unit test.  Invariants:
 *
 *	- a byte is handed out at most once, and is wiped from the buffer as it
 *	  leaves: bytes that explain a released noise must not be found in a core
 *	  file or in reused memory afterwards;
 *	- buf[0 .. used) is zero, buf[used .. DP_RANDOM_BUFFER) is unused;
 *	- a source that fails is an error.  There is no second, weaker source and
 *	  no reuse of old bytes.
 *
 * A dp_random must not outlive a fork: the two processes would share bytes.
 * The callers make one per release and wipe it at the end.
 */
#include <stdbool.h>
#include <string.h>

#include <openssl/crypto.h>

#include "mechanism/random.h"

/*
 * Moves len bytes from the buffer to out, filling the buffer as needed.  On
 * failure neither out nor the buffer keeps any random byte.
 */
static dp_status
take_bytes(dp_random *rng, unsigned char *out, size_t len)
{
	size_t		done = 0;

	while (done < len)
	{
		size_t		n;

		if (rng->used >= DP_RANDOM_BUFFER)
		{
			if (rng->fill(rng->ctx, rng->buf, DP_RANDOM_BUFFER) != 0)
			{
				OPENSSL_cleanse(rng->buf, DP_RANDOM_BUFFER);
				OPENSSL_cleanse(out, len);
				rng->used = DP_RANDOM_BUFFER;
				return DP_ERR_RANDOM;
			}
			rng->used = 0;
		}

		n = DP_RANDOM_BUFFER - rng->used;
		if (n > len - done)
			n = len - done;
		memcpy(out + done, rng->buf + rng->used, n);
		OPENSSL_cleanse(rng->buf + rng->used, n);
		rng->used += n;
		done += n;
	}
	return DP_OK;
}

/* Eight bytes as an integer, the lowest first; one load where that is how integers lie. */
static inline uint64_t
word_of(const unsigned char *b)
{
	return (uint64_t) b[0] | (uint64_t) b[1] << 8 | (uint64_t) b[2] << 16 |
		(uint64_t) b[3] << 24 | (uint64_t) b[4] << 32 | (uint64_t) b[5] << 40 |
		(uint64_t) b[6] << 48 | (uint64_t) b[7] << 56;
}

/* Is there a word in the buffer? */
static inline bool
has_word(const dp_random *rng)
{
	return rng->used + sizeof(uint64_t) <= DP_RANDOM_BUFFER;
}

/*
 * The next n bytes, 1 .. 8, of a buffer that has a word: straight from there, without a copy to
 * wipe.  The caller sees the buffer, so that the compiler cannot elide the zeros.
 */
static inline uint64_t
take_word(dp_random *rng, size_t n)
{
	unsigned char *next = rng->buf + rng->used;
	uint64_t	word = word_of(next);

	/* no more than these: the next word would wait for what is written where it begins */
	for (size_t i = 0; i < n; i++)
		next[i] = 0;
	rng->used += n;
	return word & (~(uint64_t) 0 >> (64 - 8 * n));
}

/*
 * dp_random_init
 *		Makes rng an empty buffer in front of fill(ctx, ...).
 *
 * Draws nothing yet, so it cannot fail; fill is first called when the first
 * byte is needed.
 */
void
dp_random_init(dp_random *rng, dp_bytes_fn fill, void *ctx)
{
	rng->fill = fill;
	rng->ctx = ctx;
	rng->used = DP_RANDOM_BUFFER;
	memset(rng->buf, 0, DP_RANDOM_BUFFER);
}

/*
 * dp_random_wipe
 *		Forgets all buffered bytes, in a way the compiler cannot elide.
 *
 * The generator stays usable: the next draw asks the source again.
 */
void
dp_random_wipe(dp_random *rng)
{
	OPENSSL_cleanse(rng->buf, DP_RANDOM_BUFFER);
	rng->used = DP_RANDOM_BUFFER;
}

/*
 * dp_random_u64
 *		64 random bits in *out.
 *
 * DP_ERR_RANDOM if the source failed; *out is then 0.
 */
dp_status
dp_random_u64(dp_random *rng, uint64_t *out)
{
	unsigned char raw[8];
	dp_status	status;

	*out = 0;
	if (has_word(rng))
	{
		*out = take_word(rng, sizeof(raw));
		return DP_OK;
	}
	status = take_bytes(rng, raw, sizeof(raw));
	if (status != DP_OK)
		return status;
	*out = word_of(raw);
	OPENSSL_cleanse(raw, sizeof(raw));
	return DP_OK;
}

/* Number of bits of value; 0 for 0. */
static int
bit_length(dp_uint128 value)
{
	uint64_t	high = (uint64_t) (value >> 64);
	uint64_t	low = (uint64_t) value;

	if (high != 0)
		return 128 - __builtin_clzll(high);
	if (low != 0)
		return 64 - __builtin_clzll(low);
	return 0;
}

/* The next len bytes, 1 .. 16, as an integer in *value; DP_ERR_RANDOM if the source failed. */
static inline dp_status
take_integer(dp_random *rng, size_t len, dp_uint128 *value)
{
	unsigned char raw[16];
	dp_status	status;

	if (len <= sizeof(uint64_t) && has_word(rng))
	{
		*value = take_word(rng, len);
		return DP_OK;
	}
	status = take_bytes(rng, raw, len);
	if (status != DP_OK)
		return status;
	*value = 0;
	for (size_t i = 0; i < len; i++)
		*value |= (dp_uint128) raw[i] << (8 * i);
	OPENSSL_cleanse(raw, len);
	return DP_OK;
}

/*
 * dp_random_below
 *		A uniform integer in [0, bound) in *out, for any bound >= 1.
 *
 * Exact: candidates have as many bits as bound - 1 and are rejected when they
 * are not below bound, so that no remainder is ever folded onto small values.
 * Fewer than half of the candidates are rejected; DP_RANDOM_MAX_TRIES
 * rejections in a row (probability below 2^-1024) mean that the source is not
 * random, a constant one for example, and are reported as such instead of
 * looping forever.  bound = 1 uses no randomness.
 *
 * DP_ERR_RANGE if bound is 0, DP_ERR_RANDOM if the source failed; *out is then
 * 0.
 */
dp_status
dp_random_below(dp_random *rng, dp_uint128 bound, dp_uint128 *out)
{
	int			bits;
	size_t		len;
	dp_uint128	mask;

	*out = 0;
	if (bound == 0)
		return DP_ERR_RANGE;
	if (bound == 1)
		return DP_OK;

	bits = bit_length(bound - 1);
	len = (size_t) (bits + 7) / 8;
	mask = ~(dp_uint128) 0 >> (128 - bits);

	for (int tries = 0; tries < DP_RANDOM_MAX_TRIES; tries++)
	{
		dp_uint128	value;
		dp_status	status = take_integer(rng, len, &value);

		if (status != DP_OK)
			return status;
		value &= mask;
		if (value < bound)
		{
			*out = value;
			return DP_OK;
		}
	}
	return DP_ERR_RANDOM;
}
