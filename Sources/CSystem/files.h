/* Files that a document names: only regular ones, and where they must lie. */
#ifndef CSYSTEM_FILES_H
#define CSYSTEM_FILES_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens a regular file for reading; a descriptor, or an errno below zero: -EINVAL for a device, a pipe or a socket, -EISDIR
 * for a folder. Looked at before it is opened, since opening a device may do something, and behind it, since it may have
 * been exchanged; a pipe that nobody writes is not waited for. */
static inline int system_open_regular(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) return -errno;
    if (S_ISDIR(status.st_mode)) return -EISDIR;
    if (!S_ISREG(status.st_mode)) return -EINVAL;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) return -errno;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(descriptor);
        return -EINVAL;
    }
    return descriptor;
}

/* Whether the absolute `path` is `folder` or lies below it, symbolic links followed. What does not exist counts by the
 * folder that it would be made in; `.` and `..` behind that are refused. 1: it does; 0: it does not, or cannot be told. */
static inline int system_is_beneath(const char *path, const char *folder)
{
    char *root = realpath(folder, NULL);
    char rest[PATH_MAX];
    int result = 0;
    if (root == NULL || strlen(path) >= sizeof rest || path[0] != '/') {
        free(root);
        return 0;
    }
    strcpy(rest, path);
    for (;;) {
        char *real = realpath(rest, NULL);
        if (real != NULL) {
            size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
            result = strncmp(real, root, length) == 0 && (real[length] == '/' || real[length] == '\0');
            free(real);
            break;
        }
        char *slash = strrchr(rest, '/');
        if (errno != ENOENT || slash == NULL) break;
        if (strcmp(slash, "/..") == 0 || strcmp(slash, "/.") == 0) break;
        /* A link to nowhere is there, though what it names is not. */
        struct stat status;
        if (lstat(rest, &status) == 0) break;
        if (slash == rest)
            strcpy(rest, "/");
        else
            *slash = '\0';
    }
    free(root);
    return result;
}

#endif
