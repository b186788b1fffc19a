/*
 * powerless.h
 *		Planning without anybody's rights.
 */
#ifndef DP_POWERLESS_H
#define DP_POWERLESS_H

#include "postgres.h"

/* Who was set aside */
typedef struct Powerless
{
	Oid			user;
	int			context;
	bool		superuser;
	int			nestlevel;
} Powerless;

extern void powerless_begin(Powerless *outer);
extern void powerless_end(const Powerless *outer);
extern bool is_superuser_aside(void);

#endif							/* DP_POWERLESS_H */
