/*
 * neutral.h
 *		Settings of the client's stay out of what is done for it elsewhere.
 */
#ifndef DP_NEUTRAL_H
#define DP_NEUTRAL_H

#include "postgres.h"

#include "nodes/pg_list.h"

extern const char *const session_settings[];
extern const int session_settings_count;

extern int	neutral_begin(void);
extern void neutral_without_block(void);
extern void neutral_end(int nestlevel);
extern List *session_settings_now(void);
extern int	session_settings_take(List *settings);

#endif							/* DP_NEUTRAL_H */
