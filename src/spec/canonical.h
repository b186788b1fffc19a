/*
 * canonical.h
 *		The one value that stands for all values equal to it.
 */
#ifndef DP_CANONICAL_H
#define DP_CANONICAL_H

#include "postgres.h"

typedef enum CanonicalForm
{
	CANONICAL_BITS,				/* passed by value */
	CANONICAL_FLOAT4,
	CANONICAL_FLOAT8,
	CANONICAL_NUMERIC,
	CANONICAL_INTERVAL,
	CANONICAL_NAME,
	CANONICAL_FIXED,			/* of a fixed length, passed by reference */
	CANONICAL_PADDED,			/* character(n) */
	CANONICAL_BYTES,			/* of variable length, equal if the bytes are */
	CANONICAL_JSONB,
	CANONICAL_ARRAY
} CanonicalForm;

/* How values of a type are brought into their canonical form. */
typedef struct Canonical
{
	CanonicalForm form;
	int16		length;			/* typlen of the type below domains */
	bool		by_value;
	char		align;
	int32		typmod;			/* or -1 */
	struct Canonical *element;	/* of an array */
} Canonical;

extern bool canonical_exists(Oid type);
extern bool canonical_is_plain(Oid type);
extern void canonical_open(Canonical *canonical, Oid type, int32 typmod, MemoryContext context);
extern Datum canonical_datum(const Canonical *canonical, Datum value);

#endif							/* DP_CANONICAL_H */
