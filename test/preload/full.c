/*
 * full.c
 *		A disk that is full when tests say so, for processes that preload this library.
 *
 * While the file exists that DP_TEST_FULL names, no file of a relation (below base/) becomes longer:
 * whatever would make it so fails with ENOSPC.  What it has already can be written.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Would a write of "size" bytes there make a file of a relation longer, on a disk that is full? */
static int
no_room(int fd, off_t offset, size_t size)
{
	const char *full = getenv("DP_TEST_FULL");
	char		link[64];
	char		path[1024];
	struct stat status;
	ssize_t		length;

	if (!full || access(full, F_OK) != 0 || fstat(fd, &status) != 0 || offset + (off_t) size <= status.st_size)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length <= 0)
		return 0;
	path[length] = '\0';
	return strstr(path, "/base/") != NULL;
}

ssize_t
pwrite64(int fd, const void *data, size_t size, off_t offset)
{
	if (no_room(fd, offset, size))
	{
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, data, size, offset);
}

ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
	return pwrite64(fd, data, size, offset);
}

ssize_t
pwritev64(int fd, const struct iovec *parts, int n, off_t offset)
{
	size_t		size = 0;

	for (int i = 0; i < n; i++)
		size += parts[i].iov_len;
	if (no_room(fd, offset, size))
	{
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_pwritev, fd, parts, n, offset, 0);
}

ssize_t
pwritev(int fd, const struct iovec *parts, int n, off_t offset)
{
	return pwritev64(fd, parts, n, offset);
}

int
posix_fallocate64(int fd, off_t offset, off_t size)
{
	if (no_room(fd, offset, (size_t) size))
		return ENOSPC;
	return syscall(SYS_fallocate, fd, 0, offset, size) == 0 ? 0 : errno;
}

int
posix_fallocate(int fd, off_t offset, off_t size)
{
	return posix_fallocate64(fd, offset, size);
}
