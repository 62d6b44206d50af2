// glibc runs a SIGEV_THREAD timer's function in threads of its own: those that have ended are not lost.
// EXPECT: thread-lost count=1
// EXPECT-EVENT: fork counts.threads=2 count=1
#include "../../tasks.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int rings;

static void ring(union sigval unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    rings++;
}

static void *nothing(void *unused) {
    return unused;
}

int main(void) {
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = ring};
    struct itimerspec often = {{.tv_nsec = 1000000}, {.tv_nsec = 1000000}};
    // Locks are recorded from the first thread on.
    in_thread(nothing, NULL);
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &often, NULL) == 0);
    EVENTUALLY(rings >= 20);
    CHECK(timer_delete(timer) == 0);
    // The thread that waits for the timers stays.
    EVENTUALLY(tasks() == 2);
    fork_living_child();
    return 0;
}
