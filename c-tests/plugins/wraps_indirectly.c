// Wraps creat by a function that a resolver chooses.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

int opened;

static int counted(const char *path, mode_t mode) {
    opened++;
    return (int)syscall(SYS_creat, path, mode);
}

static int (*choose(void))(const char *, mode_t) {
    return counted;
}

int creat(const char *path, mode_t mode) __attribute__((ifunc("choose")));
