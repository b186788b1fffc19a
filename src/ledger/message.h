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

extern List *ledger_message_build(StringInfo payload, List *items, List *reads,
								  const LedgerKeep *keep, const char *query_text);
extern void ledger_message_read(const char *payload, int length, LedgerMessage *message);
extern uint32 ledger_population_bit(List *prices, const NameData *population);

#endif							/* DP_MESSAGE_H */
