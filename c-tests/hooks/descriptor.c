// What makes, copies and closes descriptors: numbers, flags, modes, errors.
#include "driver.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <linux/close_range.h>
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

static bool closed_on_exec(int fd) {
    int flags = fcntl(fd, F_GETFD);
    CHECK(flags != -1);
    return flags & FD_CLOEXEC;
}

static void made(int fd, bool on_exec) {
    CHECK(fd >= 0);
    CHECK(closed_on_exec(fd) == on_exec);
    KEEPS_ERRNO(close(fd) == 0);
    FAILS(EBADF, fcntl(fd, F_GETFD));
}

SAFE_SNIPPET(special_descriptors) {
    sigset_t set;
    sigemptyset(&set);
    made(epoll_create(1), false);
    FAILS(EINVAL, epoll_create(0));
    made(epoll_create1(EPOLL_CLOEXEC), true);
    FAILS(EINVAL, epoll_create1(1));
    made(eventfd(3, 0), false);
    made(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), true);
    made(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), true);
    FAILS(EINVAL, timerfd_create(77, 0));
    made(signalfd(-1, &set, SFD_CLOEXEC), true);
    FAILS(EBADF, signalfd(1000000, &set, 0));
    made(inotify_init(), false);
    made(inotify_init1(IN_CLOEXEC), true);
    FAILS(EINVAL, inotify_init1(1));
    made(memfd_create("fixture", MFD_CLOEXEC), true);
    FAILS(EINVAL, memfd_create("fixture", 0x40000000));
}

SAFE_SNIPPET(signalfd_keeps_its_number) {
    sigset_t set;
    sigemptyset(&set);
    int fd = signalfd(-1, &set, 0);
    sigaddset(&set, SIGUSR2);
    CHECK(signalfd(fd, &set, 0) == fd);
    made(fd, false);
}

SAFE_SNIPPET(pipes) {
    int ends[2], fast[2];
    char byte = 'x';
    KEEPS_ERRNO(pipe(ends) == 0);
    CHECK(pipe2(fast, O_CLOEXEC | O_NONBLOCK) == 0);
    CHECK(closed_on_exec(fast[0]) && closed_on_exec(fast[1]) && !closed_on_exec(ends[0]));
    FAILS(EAGAIN, read(fast[0], &byte, 1));
    CHECK(write(ends[1], &byte, 1) == 1 && read(ends[0], &byte, 1) == 1);
    FAILS(EINVAL, pipe2(fast, 0x40000000));
    CHECK(close(ends[1]) == 0);
    CHECK(read(ends[0], &byte, 1) == 0);
    made(ends[0], false);
    made(fast[0], true);
    made(fast[1], true);
}

SAFE_SNIPPET(copies) {
    int fd = eventfd(0, EFD_CLOEXEC);
    int copy = dup(fd), high = fcntl(fd, F_DUPFD, 200), high_cloexec = fcntl(fd, F_DUPFD_CLOEXEC, 200);
    CHECK(copy >= 0 && !closed_on_exec(copy));
    CHECK(high >= 200 && !closed_on_exec(high));
    CHECK(high_cloexec > high && closed_on_exec(high_cloexec));
    CHECK(dup2(fd, fd) == fd);
    CHECK(closed_on_exec(fd));
    FAILS(EINVAL, dup3(fd, fd, O_CLOEXEC));
    KEEPS_ERRNO(dup2(fd, copy) == copy);
    CHECK(!closed_on_exec(copy));
    CHECK(dup3(fd, copy, O_CLOEXEC) == copy);
    CHECK(closed_on_exec(copy));
    FAILS(EBADF, dup(-1));
    FAILS(EBADF, dup2(-1, copy));
    FAILS(EBADF, dup2(1000000, 1000000));
    FAILS(EBADF, dup2(fd, -1));
    FAILS(EBADF, dup2(fd, 1 << 30));
    FAILS(EINVAL, fcntl(fd, F_DUPFD, -1));
    FAILS(EINVAL, fcntl(fd, 12345));
    uint64_t value = 5;
    CHECK(write(high, &value, sizeof value) == sizeof value);
    CHECK(read(copy, &value, sizeof value) == sizeof value && value == 5);
    made(high, false);
    made(high_cloexec, true);
    made(copy, true);
    made(fd, true);
}

SAFE_SNIPPET(fcntl_passes_all) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    KEEPS_ERRNO(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    CHECK(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
    KEEPS_ERRNO(fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0);
    CHECK(closed_on_exec(ends[0]));
    CHECK(fcntl(ends[0], F_SETPIPE_SZ, 8192) == 8192);
    CHECK(fcntl(ends[0], F_GETPIPE_SZ) == 8192);
    struct f_owner_ex owner = {F_OWNER_PID, getpid()}, seen = {0};
    CHECK(fcntl(ends[0], F_SETOWN_EX, &owner) == 0);
    CHECK(fcntl(ends[0], F_GETOWN_EX, &seen) == 0 && seen.pid == owner.pid);
    CHECK(fcntl64(ends[1], F_GETFD) == 0);
    made(ends[0], true);
    made(ends[1], false);
}

SAFE_SNIPPET(file_locks) {
    int fd = open("/dev/zero", O_RDONLY);
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET}, of_file = lock;
    KEEPS_ERRNO(flock(fd, LOCK_SH) == 0 && flock(fd, LOCK_UN) == 0);
    FAILS(EBADF, flock(-1, LOCK_EX));
    FAILS(EINVAL, flock(fd, 16));
    KEEPS_ERRNO(fcntl(fd, F_SETLK, &lock) == 0 && fcntl(fd, F_OFD_SETLK, &of_file) == 0);
    of_file.l_type = F_UNLCK;
    CHECK(fcntl(fd, F_OFD_SETLK, &of_file) == 0 && lockf(fd, F_ULOCK, 0) == 0 && lockf64(fd, F_TEST, 0) == 0);
    FAILS(EFAULT, fcntl(fd, F_SETLK, NULL));
    FAILS(EFAULT, fcntl(fd, F_OFD_SETLK, NULL));
    FAILS(EBADF, lockf(-1, F_LOCK, 0));
    CHECK(close(fd) == 0);
}

SAFE_SNIPPET(bad_closes) {
    FAILS(EBADF, close(-1));
    FAILS(EBADF, close(1000000));
    FAILS(EBADF, close(INT32_MAX));
    FAILS(EBADF, close(INT32_MIN));
    FAILS(EINVAL, close_range(10, 5, 0));
    FAILS(EINVAL, close_range(5, 10, 0x40));
}

SAFE_SNIPPET(ranges) {
    int fd = eventfd(0, 0);
    CHECK(fcntl(fd, F_DUPFD, 300) == 300 && fcntl(fd, F_DUPFD, 301) == 301 && fcntl(fd, F_DUPFD, 302) == 302);
    KEEPS_ERRNO(close_range(300, 300, 0) == 0);
    FAILS(EBADF, fcntl(300, F_GETFD));
    CHECK(close_range(301, 302, CLOSE_RANGE_CLOEXEC) == 0);
    CHECK(closed_on_exec(301) && closed_on_exec(302));
    CHECK(close_range(301, ~0U, 0) == 0);
    FAILS(EBADF, fcntl(301, F_GETFD));
    FAILS(EBADF, fcntl(302, F_GETFD));
    CHECK(fcntl(fd, F_DUPFD, 300) == 300);
    closefrom(300);
    FAILS(EBADF, fcntl(300, F_GETFD));
    made(fd, false);
}

SAFE_SNIPPET(lowest_number_is_reused) {
    int first = eventfd(0, 0), second = eventfd(0, 0);
    CHECK(close(first) == 0);
    CHECK(dup(second) == first);
    made(first, false);
    made(second, false);
}

static void child_uses_zero(void *unused) {
    (void)unused;
    CHECK(close(0) == 0);
    CHECK(open("/dev/null", O_RDONLY) == 0);
    CHECK(close(0) == 0);
    CHECK(eventfd(0, 0) == 0);
    CHECK(dup2(0, 0) == 0);
    CHECK(close(0) == 0);
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK(ends[0] == 0);
    CHECK(close(0) == 0);
    CHECK(fork() >= 0);
}

SNIPPET(descriptor_zero) {
    in_child(child_uses_zero, NULL);
}

static void child_closes_all(void *unused) {
    (void)unused;
    CHECK(close_range(0, ~0U, 0) == 0);
    CHECK(open("/dev/null", O_RDWR) == 0);
    CHECK(dup(0) == 1 && dup(0) == 2);
    closefrom(0);
    CHECK(open("/dev/null", O_RDWR) == 0);
    CHECK(fork() >= 0);
}

SNIPPET(everything_closed) {
    in_child(child_closes_all, NULL);
}

static void child_has_few(void *unused) {
    (void)unused;
    struct rlimit few = {16, 16};
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (int fd; (fd = dup(2)) >= 0;)
        CHECK(fd < 16);
    CHECK(errno == EMFILE);
    FAILS(EMFILE, open("/dev/null", O_RDONLY));
    int ends[2];
    FAILS(EMFILE, pipe(ends));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
}

SNIPPET(no_descriptor_left) {
    in_child(child_has_few, NULL);
}

static void mode_is(const char *path, int fd, mode_t mode) {
    struct stat status;
    CHECK(fd >= 0);
    CHECK(fstat(fd, &status) == 0);
    CHECK((status.st_mode & 07777) == mode);
    made(fd, false);
    CHECK(unlink(path) == 0);
}

static void path_for_me(char path[64]) {
    snprintf(path, 64, "/tmp/fixture-%d-%d", getpid(), gettid());
}

int __open_2(const char *path, int flags);

SNIPPET(files) {
    char path[64];
    path_for_me(path);
    mode_t mask = umask(022);
    mode_is(path, open(path, O_CREAT | O_EXCL | O_WRONLY, 0640), 0640);
    mode_is(path, open64(path, O_CREAT | O_RDWR, 01644), 01644);
    mode_is(path, openat(AT_FDCWD, path, O_CREAT | O_RDWR, 0600), 0600);
    mode_is(path, openat64(AT_FDCWD, path, O_CREAT | O_RDWR, 0777), 0755);
    mode_is(path, creat(path, 0604), 0604);
    mode_is(path, creat64(path, 0400), 0400);
    umask(mask);
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0610);
    struct stat status;
    CHECK(fd >= 0 && fstat(fd, &status) == 0 && (status.st_mode & 0777) == (0610 & ~mask));
    made(fd, true);
    made(open("/dev/null", O_RDONLY | O_CLOEXEC), true);
    made(__open_2("/dev/null", O_RDWR), false);
    FAILS(ENOENT, open("/no/such/file", O_RDONLY));
    FAILS(ENOTDIR, openat64(AT_FDCWD, "/dev/null/x", O_RDONLY));
    FAILS(EBADF, openat(1000000, "x", O_RDONLY));
}

SNIPPET(streams) {
    char path[64];
    path_for_me(path);
    FILE *stream = fopen(path, "we");
    CHECK(stream != NULL && closed_on_exec(fileno(stream)));
    int fd = fileno(stream);
    CHECK(fputs("text", stream) >= 0);
    CHECK(fclose(stream) == 0);
    FAILS(EBADF, fcntl(fd, F_GETFD));
    CHECK((stream = fopen64(path, "r")) != NULL);
    char text[8] = "";
    CHECK(fgets(text, sizeof text, stream) && strcmp(text, "text") == 0);
    CHECK(fclose(stream) == 0);
    CHECK(unlink(path) == 0);
    errno = 0;
    CHECK(fopen("/no/such/file", "r") == NULL && errno == ENOENT);
    errno = 0;
    CHECK(fopen(path, "q") == NULL && errno == EINVAL);
    CHECK((stream = fdopen(eventfd(0, 0), "r+")) != NULL);
    fd = fileno(stream);
    CHECK(fclose(stream) == 0);
    FAILS(EBADF, fcntl(fd, F_GETFD));
}

static int cookie_bytes;

static ssize_t cookie_write(void *cookie, const char *data, size_t size) {
    (void)data;
    *(int *)cookie += (int)size;
    return (ssize_t)size;
}

// Streams without a descriptor are closed by the same fclose.
SNIPPET(streams_without_descriptor) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    CHECK(stream != NULL && fprintf(stream, "%d", 42) == 2);
    KEEPS_ERRNO(fclose(stream) == 0);
    CHECK(size == 2 && strcmp(text, "42") == 0);
    free(text);
    cookie_bytes = 0;
    stream = fopencookie(&cookie_bytes, "w", (cookie_io_functions_t){.write = cookie_write});
    CHECK(stream != NULL && fputs("abc", stream) >= 0);
    KEEPS_ERRNO(fclose(stream) == 0);
    CHECK(cookie_bytes == 3);
}
