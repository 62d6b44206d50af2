// main leaves by pthread_exit with a lock held and another thread forks after: the process ends with that thread's status.
#include "../../check.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void nothing(void *unused) {
    (void)unused;
}

static void *fork_later(void *main_thread) {
    CHECK(pthread_join((pthread_t)main_thread, NULL) == 0);
    in_child(nothing, NULL);
    puts("forked without main");
    exit(0);
}

int main(void) {
    pthread_t thread;
    CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_create(&thread, NULL, fork_later, (void *)pthread_self()) == 0);
    pthread_exit(NULL);
}
