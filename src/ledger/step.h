/*
 * step.h
 *		Steps of a charge, at which a build for tests can be killed.
 *
 * In that build a process that comes to the step which the file "dp_agg.step" in the data directory
 * names removes the file and kills itself; test/t/098_steps.pl says what must hold then.
 */
#ifndef DP_LEDGER_STEP_H
#define DP_LEDGER_STEP_H

#include "postgres.h"

#ifdef DP_FAULT_CRASH

#include <signal.h>
#include <unistd.h>

#include "storage/fd.h"

static inline void
ledger_step(const char *step)
{
	char		named[64] = "";
	FILE	   *file = AllocateFile("dp_agg.step", "r");

	if (file == NULL)
		return;
	if (fscanf(file, "%63s", named) != 1)
		named[0] = '\0';
	FreeFile(file);
	if (strcmp(named, step) == 0 && unlink("dp_agg.step") == 0)
		kill(getpid(), SIGKILL);
}

#else

#define ledger_step(step) ((void) 0)

#endif

#endif							/* DP_LEDGER_STEP_H */
