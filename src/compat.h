/*
 * compat.h
 *		Differences between the PostgreSQL versions that dp_agg builds on.
 */
#ifndef DP_COMPAT_H
#define DP_COMPAT_H

#include "postgres.h"

/* Index of this backend's PGPROC, in 0 .. MaxBackends - 1 for regular ones. */
#if PG_VERSION_NUM >= 170000
#define DP_MY_PROC_INDEX	((int) MyProcNumber)
#else
#define DP_MY_PROC_INDEX	(MyProc->pgprocno)
#endif

#endif							/* DP_COMPAT_H */
