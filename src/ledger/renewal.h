/*
 * renewal.h
 *		When accounts renew.
 */
#ifndef DP_LEDGER_RENEWAL_H
#define DP_LEDGER_RENEWAL_H

#include "postgres.h"

#include "datatype/timestamp.h"

extern TimestampTz ledger_next_renewal(TimestampTz anchor, const Interval *period, TimestampTz after);

#endif							/* DP_LEDGER_RENEWAL_H */
