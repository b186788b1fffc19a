/*
 * openssl_bytes.c
 *		The byte source of the shipped library: OpenSSL's private generator.
 *
 * RAND_priv_bytes is the generator OpenSSL keeps apart for values that stay
 * secret; it reseeds itself from the operating system and after a fork.  It
 * cannot be seeded from SQL.
 */
#include <limits.h>

#include <openssl/rand.h>

#include "mechanism/random.h"

/*
 * dp_openssl_bytes
 *		Fills buf with len bytes; 0 on success, -1 if OpenSSL has none to give.
 *
 * ctx is not used.  OpenSSL counts bytes in an int, so more than INT_MAX of them are
 * asked for in several calls.
 */
int
dp_openssl_bytes(void *ctx, unsigned char *buf, size_t len)
{
	(void) ctx;
	while (len > 0)
	{
		int			n = len > INT_MAX ? INT_MAX : (int) len;

		if (RAND_priv_bytes(buf, n) != 1)
			return -1;
		buf += n;
		len -= (size_t) n;
	}
	return 0;
}
