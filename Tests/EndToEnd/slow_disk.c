/* Preloaded into a process: the link that makes a version comes late, or the flush behind it fails.
 *
 *   ETL_TEST_LINK_DELAY   milliseconds before a name below /_versions/ is made
 *   ETL_TEST_LINK_ERROR   errno that link(2) returns although it made the name, as a network file system may
 *   ETL_TEST_FLUSH_ERROR  errno of each fsync(2) of the folder _versions */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static long number(const char *name)
{
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

int link(const char *from, const char *to)
{
    static int (*real)(const char *, const char *);
    if (!real) real = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "link");
    if (!strstr(to, "/_versions/")) return real(from, to);
    usleep(1000 * number("ETL_TEST_LINK_DELAY"));
    int result = real(from, to);
    if (result == 0 && number("ETL_TEST_LINK_ERROR")) {
        errno = number("ETL_TEST_LINK_ERROR");
        return -1;
    }
    return result;
}

int fsync(int descriptor)
{
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int result = real(descriptor);
    char of[64], path[PATH_MAX];
    snprintf(of, sizeof of, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(of, path, sizeof path - 1);
    if (length < 0) return result;
    path[length] = 0;
    const char *end = strstr(path, "/_versions");
    if (!number("ETL_TEST_FLUSH_ERROR") || !end || strcmp(end, "/_versions")) return result;
    errno = number("ETL_TEST_FLUSH_ERROR");
    return -1;
}
