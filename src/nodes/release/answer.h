/*
 * answer.h
 *		The answer of a release as bytes, kept to be handed out again.
 */
#ifndef DP_ANSWER_H
#define DP_ANSWER_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "nodes/release/state.h"

extern void answer_write(ReleaseState *state, StringInfo answer);
extern bool answer_identify(const bytea *answer, const ReleaseState *state, bool some,
							uint8 *id);
extern void answer_hand_out(ReleaseState *state);

#endif							/* DP_ANSWER_H */
