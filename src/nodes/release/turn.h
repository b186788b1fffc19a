/*
 * turn.h
 *		Of those who ask the same at a time, one draws, and the others wait for its answer.
 */
#ifndef DP_TURN_H
#define DP_TURN_H

#include "postgres.h"

extern bool turn_take(const uint8 *digest, bool *waited);
extern bool turn_runs(const uint8 *digest);
extern void turn_rests(const uint8 *digest);
extern void turn_end(const uint8 *digest, bool running);

#endif							/* DP_TURN_H */
