// Descriptor numbers: no call finds one that the program did not open, none is missing under RLIMIT_NOFILE, an open gets the lowest free one
// while another thread forks, and what a child closes that shares the leader's memory or its table stays open in the leader.
#include "../../check.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { NUMBERS = 600 };

static void nothing(void *unused) {
    (void)unused;
}

static int count_open(void) {
    int count = 0;
    for (int fd = 0; fd < NUMBERS; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

// For each number the first call shows whether it is open; the others must agree.
static void calls_agree(void) {
    for (int fd = 0; fd < NUMBERS; fd++) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        struct stat status;
        struct pollfd asked = {fd, 0, 0};
        char byte;
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        FAILS(EBADF, recv(fd, &byte, 1, MSG_DONTWAIT));
        FAILS(EBADF, send(fd, &byte, 1, MSG_DONTWAIT));
        FAILS(EBADF, accept(fd, NULL, NULL));
        FAILS(EBADF, getsockname(fd, (struct sockaddr *)&address, &size));
        FAILS(EBADF, shutdown(fd, SHUT_RD));
        FAILS(EBADF, read(fd, &byte, 0));
        FAILS(EBADF, write(fd, &byte, 0));
        FAILS(EBADF, fstat(fd, &status));
        FAILS(EBADF, dup(fd));
        FAILS(EBADF, syscall(SYS_dup, fd));
        FAILS(EBADF, close(fd));
        CHECK(poll(&asked, 1, 0) == 1 && asked.revents == POLLNVAL);
    }
}

static void close_what_is_listed(void *unused) {
    (void)unused;
    DIR *directory = opendir("/proc/self/fd");
    CHECK(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd > 2 && fd != dirfd(directory))
            CHECK(close(fd) == 0);
    }
}

static void all_that_the_limit_allows(void *unused) {
    (void)unused;
    struct rlimit limit = {450, 450};
    int open = count_open();
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while (dup(0) >= 0)
        open++;
    CHECK(errno == EMFILE && open == 450);
    // A report is written all the same, and takes nothing away.
    in_child(nothing, NULL);
    CHECK(close(449) == 0 && dup(0) == 449);
}

static int close_all(void *unused) {
    (void)unused;
    close_range(3, ~0U, 0);
    for (int fd = 3; fd < NUMBERS; fd++)
        close(fd);
    _exit(0);
}

static void closed_by_guests(void) {
    static char stack[1 << 16] __attribute__((aligned(16)));
    int open = count_open();
    pid_t child = vfork();
    CHECK(child >= 0);
    if (child == 0) {
        for (int fd = 3; fd < NUMBERS; fd++)
            dup2(0, fd);
        closefrom(3);
        execl("/bin/true", "true", NULL);
        _exit(1);
    }
    EXITED(child, 0);
    EXITED(clone(close_all, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL), 0);
    CHECK(count_open() == open);
    in_child(nothing, NULL);
    // One that shares the table closes for both, and nothing comes back.
    EXITED(clone(close_all, stack + sizeof stack, CLONE_FILES | SIGCHLD, NULL), 0);
    in_child(nothing, NULL);
    CHECK(count_open() <= 3);
}

static atomic_bool stop;

static void *open_lowest(void *unused) {
    (void)unused;
    int lowest = dup(0);
    CHECK(lowest >= 0);
    while (!stop) {
        CHECK(close(lowest) == 0);
        CHECK(open("/dev/null", O_RDONLY) == lowest);
    }
    return NULL;
}

static void lowest_while_others_fork(void) {
    pthread_t opens;
    CHECK(pthread_create(&opens, NULL, open_lowest, NULL) == 0);
    for (int round = 0; round < 100; round++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            _exit(0);
        EVENTUALLY(waitpid(child, NULL, WNOHANG) == child);
    }
    stop = true;
    CHECK(pthread_join(opens, NULL) == 0);
}

int main(void) {
    lowest_while_others_fork();
    in_child(nothing, NULL);
    calls_agree();
    in_child(close_what_is_listed, NULL);
    in_child(all_that_the_limit_allows, NULL);
    closed_by_guests();
    calls_agree();
    puts("every number is the program's");
    return 0;
}
