// Threads that fork at the same time: no child has a descriptor that the program did not open, or one that only another's fork had open.
#include "../../check.h"
#include <fcntl.h>

enum { THREADS = 4, FORKS = 150, LOW = 100 };
static bool opened_before[LOW];

static bool is_open(int fd) {
    return syscall(SYS_fcntl, fd, F_GETFD) >= 0;
}

static void look(void *unused) {
    (void)unused;
    for (int fd = 0; fd < LOW; fd++)
        CHECK(is_open(fd) == opened_before[fd]);
}

static void *fork_often(void *unused) {
    for (int round = 0; round < FORKS; round++)
        in_child(look, unused);
    return NULL;
}

int main(void) {
    for (int fd = 0; fd < LOW; fd++)
        opened_before[fd] = is_open(fd);
    pthread_t threads[THREADS];
    for (int index = 0; index < THREADS; index++)
        CHECK(pthread_create(&threads[index], NULL, fork_often, NULL) == 0);
    for (int index = 0; index < THREADS; index++)
        CHECK(pthread_join(threads[index], NULL) == 0);
    puts("nothing but what the program opened");
    return 0;
}
