/*
 * rows.h
 *		The rows of a public relation, as they were read ahead.
 */
#ifndef DP_PUBLIC_ROWS_H
#define DP_PUBLIC_ROWS_H

#include "postgres.h"

#include "access/htup_details.h"
#include "port/atomics.h"
#include "storage/dsm.h"

typedef struct PublicRows PublicRows;

extern PublicRows *public_rows_create(bool shared, Size memory);
extern void public_rows_add(PublicRows *rows, MinimalTuple tuple);
extern void public_rows_complete(PublicRows *rows);
extern dsm_handle public_rows_handle(const PublicRows *rows);
extern PublicRows *public_rows_attach(dsm_handle handle);
extern void public_rows_rewind(PublicRows *rows);
extern MinimalTuple public_rows_next(PublicRows *rows, pg_atomic_uint32 *claims);
extern void public_rows_release(PublicRows *rows);

#endif							/* DP_PUBLIC_ROWS_H */
