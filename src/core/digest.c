/*
 * digest.c
 *		SHA-256 by OpenSSL.
 *
 * The algorithm is looked up once in a process: to look it up takes longer than to hash a
 * row of the ledger.
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "core/errors.h"
#include "core/digest.h"

/*
 * sha256_of
 *		The SHA-256 of "length" bytes, SHA256_SIZE bytes in *digest.
 *
 * Raises ERRCODE_DP_LEDGER if OpenSSL cannot compute it.
 */
void
sha256_of(const void *data, Size length, uint8 *digest)
{
	static EVP_MD *algorithm = NULL;
	static EVP_MD_CTX *context = NULL;

	if (algorithm == NULL)
		algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (context == NULL)
		context = EVP_MD_CTX_new();
	if (algorithm == NULL || context == NULL ||
		EVP_DigestInit_ex(context, algorithm, NULL) != 1 ||
		EVP_DigestUpdate(context, data, length) != 1 ||
		EVP_DigestFinal_ex(context, digest, NULL) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_DP_LEDGER),
				 errmsg("could not compute a SHA-256"),
				 errhint("OpenSSL has to offer it to the server.")));
}
