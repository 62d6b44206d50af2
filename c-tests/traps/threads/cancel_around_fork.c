// fork is no cancellation point: with a cancellation pending it is made, and both processes end the thread after it. A handler of
// atfork may be one: the thread ends there, and others fork on.
// GLIBC: 2.36 calls the handlers of atfork without a lock; before, this program hangs by itself
#include "../../check.h"
#include <stdatomic.h>

static _Thread_local bool in_handler;
static pid_t leader;

static void prepare(void) {
    if (in_handler)
        pthread_testcancel();
}

static void end_child(void *unused) {
    (void)unused;
    if (getpid() != leader)
        _exit(31);
}

static void *fork_cancelled(void *handler_too) {
    pid_t child = -1;
    in_handler = handler_too != NULL;
    pthread_cleanup_push(end_child, NULL);
    CHECK(pthread_cancel(pthread_self()) == 0);
    child = fork();
    CHECK(child >= 0 && !in_handler);
    if (child != 0) {
        CHECK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL) == 0);
        EXITED(child, 31);
        CHECK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL) == 0);
    }
    pthread_testcancel();
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancelled(bool in_the_handler) {
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, fork_cancelled, in_the_handler ? &leader : NULL) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
}

static void nothing(void *unused) {
    (void)unused;
}

int main(void) {
    leader = getpid();
    CHECK(pthread_atfork(prepare, NULL, NULL) == 0);
    for (int round = 0; round < 20; round++) {
        cancelled(false);
        cancelled(true);
    }
    in_child(nothing, NULL);
    puts("cancelled around forks");
    return 0;
}
