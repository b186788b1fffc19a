/*
 * message.h
 *		A request as the bytes of a payload, and back.
 */
#ifndef DP_MESSAGE_H
#define DP_MESSAGE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

#include "ledger/protocol.h"

extern void ledger_message_build(StringInfo payload, List *items, const char *query_text);
extern void ledger_message_read(const char *payload, int length, LedgerMessage *message);

#endif							/* DP_MESSAGE_H */
