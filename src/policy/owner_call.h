/*
 * owner_call.h
 *		What is done by the right of the extension's owner, for others.
 */
#ifndef DP_OWNER_CALL_H
#define DP_OWNER_CALL_H

#include "postgres.h"

#include "policy/extension.h"

extern Oid	extension_owner(DpFunction function);
extern Datum owner_call(DpFunction function, int nargs, const Datum *args, const bool *nulls);
extern Oid	owner_call_for(void);

#endif							/* DP_OWNER_CALL_H */
