/*
 * shifted.c
 *		A clock that tests can set: gettimeofday() for processes that preload this library.
 *
 * The file that DP_TEST_CLOCK names has the number of seconds that the clock is ahead of the
 * system's.  It is read at each call, so that it changes for all processes at once.  Clocks that
 * measure time that passes (clock_gettime) are left alone.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	const char *name = getenv("DP_TEST_CLOCK");
	FILE	   *file = name ? fopen(name, "r") : NULL;
	struct timespec system;
	long long	ahead = 0;

	(void) zone;
	if (syscall(SYS_clock_gettime, CLOCK_REALTIME, &system) != 0)
		return -1;
	if (file)
	{
		if (fscanf(file, "%lld", &ahead) != 1)
			ahead = 0;
		fclose(file);
	}
	now->tv_sec = system.tv_sec + ahead;
	now->tv_usec = system.tv_nsec / 1000;
	return 0;
}
