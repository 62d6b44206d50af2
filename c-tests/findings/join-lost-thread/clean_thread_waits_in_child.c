// A thread of the child waits for a condition while its main thread waits for work, which is what makes it signal.
// EXPECT: thread-lost count=1
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-NO-EVENT: finding-state state=hit
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static bool given;
static int work[2];

static void *wait_for_it(void *unused) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    worker_tid = gettid();
    while (!given)
        CHECK(pthread_cond_wait(&condition, &mutex) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static void serve(void) {
    char byte;
    start_worker_blocked_in(SYS_futex, wait_for_it);
    CHECK(poll(&(struct pollfd){.fd = work[0], .events = POLLIN}, 1, -1) == 1 && read(work[0], &byte, 1) == 1);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    given = true;
    CHECK(pthread_cond_signal(&condition) == 0 && pthread_mutex_unlock(&mutex) == 0);
}

int main(void) {
    CHECK(pipe(work) == 0);
    start_worker(stay_idle);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        serve();
        live();
    }
    until_blocked_in(SYS_poll, child);
    CHECK(write(work[1], "w", 1) == 1);
    EXITED(child, 0);
    return 0;
}
