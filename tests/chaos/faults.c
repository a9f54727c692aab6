/* A disk that fails on demand: preloaded into a process, it answers calls on files below $FAULT_BELOW with the error that the file
 * $FAULT_NOW names (ENOSPC, EIO or EROFS; an empty file: none). SQLite and Python reach the disk through these functions of libc. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum act { READ, WRITE, GROW, SYNC, CHANGE };

static int fault_now(void) {
    const char *file = getenv("FAULT_NOW");
    char word[16] = "";
    long fd = file ? syscall(SYS_openat, AT_FDCWD, file, O_RDONLY) : -1;
    if (fd < 0) return 0;
    syscall(SYS_read, fd, word, sizeof word - 1);
    syscall(SYS_close, fd);
    return !strncmp(word, "ENOSPC", 6) ? ENOSPC : !strncmp(word, "EROFS", 5) ? EROFS : !strncmp(word, "EIO", 3) ? EIO : 0;
}

/* A full disk refuses what makes a file longer, a read-only one every change, a broken one everything. */
static int refused(enum act act) {
    int fault = fault_now();
    if (fault == EIO) return EIO;
    if (fault == EROFS) return act == READ || act == SYNC ? 0 : EROFS;
    if (fault == ENOSPC) return act == GROW ? ENOSPC : 0;
    return 0;
}

static int below(const char *path) {
    const char *folder = getenv("FAULT_BELOW");
    return folder && path && !strncmp(path, folder, strlen(folder)) && !strstr(path, ".log") && !strstr(path, ".sock");
}

static int is_below(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

static enum act write_act(int fd, off_t end) {
    off_t size = lseek(fd, 0, SEEK_END);  /* SQLite gives every offset itself: the file's own position is nobody's */
    return end > size ? GROW : WRITE;
}

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = dlsym(RTLD_NEXT, name)
#define REFUSE(condition, act) do { int error; if ((condition) && (error = refused(act))) { errno = error; return -1; } } while (0)

#define PWRITE(name) ssize_t name(int fd, const void *data, size_t size, off_t at) { \
    REAL(ssize_t, #name, int, const void *, size_t, off_t); \
    if (is_below(fd)) REFUSE(1, write_act(fd, at + (off_t)size)); \
    return real(fd, data, size, at); }
PWRITE(pwrite)
PWRITE(pwrite64)

#define PREAD(name) ssize_t name(int fd, void *data, size_t size, off_t at) { \
    REAL(ssize_t, #name, int, void *, size_t, off_t); \
    REFUSE(is_below(fd), READ); return real(fd, data, size, at); }
PREAD(pread)
PREAD(pread64)

#define SYNCS(name) int name(int fd) { REAL(int, #name, int); REFUSE(is_below(fd), SYNC); return real(fd); }
SYNCS(fsync)
SYNCS(fdatasync)

#define TRUNCATE(name) int name(int fd, off_t size) { REAL(int, #name, int, off_t); REFUSE(is_below(fd), WRITE); return real(fd, size); }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

#define ALLOCATE(name) int name(int fd, off_t at, off_t size) { \
    REAL(int, #name, int, off_t, off_t); \
    int error = is_below(fd) ? refused(write_act(fd, at + size)) : 0; \
    return error ? error : real(fd, at, size); }
ALLOCATE(posix_fallocate)
ALLOCATE(posix_fallocate64)

#define OPEN(name) int name(const char *path, int flags, ...) { \
    REAL(int, #name, const char *, int, ...); \
    va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
    REFUSE(below(path), (flags & O_ACCMODE) == O_RDONLY && !(flags & O_CREAT) ? READ \
        : (flags & O_CREAT) && access(path, F_OK) ? GROW : CHANGE); \
    return real(path, flags, mode); }
OPEN(open)
OPEN(open64)

int unlink(const char *path) { REAL(int, "unlink", const char *); REFUSE(below(path), CHANGE); return real(path); }
int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    REFUSE(below(from), CHANGE);
    return real(from, to);
}
