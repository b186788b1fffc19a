/*
 * serialise.h
 *		The description of a release as bytes.
 *
 * A plan carries the description as a bytea Const, once per aggregate and node, and so does
 * whatever sends a part of a plan elsewhere.  The bytes are the same on every machine:
 *
 *		magic				4 bytes, "DPrd"
 *		version				2 bytes
 *		id					16 random bytes
 *		account_required	1 byte
 *		delta_asked			1 byte
 *
 * at fixed places, so that a release is recognised without reading the rest; then, field
 * by field as serialise.c says, the numbers of entries and the entries in use.  Numbers stand
 * in network byte order, fractions as float8send() has them, texts with their length
 * before them.  A reader takes its own version alone: a description lives as long as a plan.
 *
 * What still belongs to one database is OIDs: of the types and collations of sketches and
 * outputs, of the first relation, and of unique indexes.  To be read in another database, a
 * later version would write types and collations by schema and name, as pg_dump does.  The
 * relation and the indexes can stay behind: only the node on top of a release reads them,
 * where it was planned.
 */
#ifndef DP_SERIALISE_H
#define DP_SERIALISE_H

#include "postgres.h"

#include "spec/spec.h"

extern bytea *spec_write(ReleaseSpec *spec);
extern void spec_read_into(ReleaseSpec *spec, Datum description);
extern ReleaseSpec *spec_read(Datum description, MemoryContext context);
extern const unsigned char *spec_peek_id(Datum description);
extern bool spec_peek_account_required(Datum description);

#endif							/* DP_SERIALISE_H */
