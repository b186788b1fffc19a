/*
 * slow_disk.c
 *		To be preloaded into a server: while the file $SLOW_DISK exists, the disk takes
 *		two milliseconds longer to flush.
 *
 * commit_delay would not do: there a transaction that waits lets others join its flush,
 * which no disk does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

int
fdatasync(int fd)
{
	static int	(*flush) (int);
	const char *slow = getenv("SLOW_DISK");

	if (flush == NULL)
		flush = (int (*) (int)) dlsym(RTLD_NEXT, "fdatasync");
	if (slow != NULL && access(slow, F_OK) == 0)
		usleep(2000);
	return flush(fd);
}
