/*
 * admin.h
 *		Who administers a population.
 */
#ifndef DP_ADMIN_H
#define DP_ADMIN_H

#include "postgres.h"

extern bool admin_may_protect(void);
extern void admin_enter_population(const char *population, const char *before);

#endif							/* DP_ADMIN_H */
