// FORKGUARD_LOCKS=reset: a condition that lost threads waited for can be used and destroyed in the child; it keeps its clock.
// ENV: FORKGUARD_LOCKS=reset
// EXPECT-NOT: join-lost-thread
// EXPECT-EVENT: child cures=[guard=locks,action~'made as new',subject~condition,subject~'2 lost']
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition;
static bool signalled;

static void *wait_for_ever(void *unused) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    worker_tid = gettid();
    for (;;)
        pthread_cond_wait(&condition, &mutex);
    return unused;
}

static void *signal_condition(void *unused) {
    worker_tid = gettid();
    CHECK(pthread_mutex_lock(&mutex) == 0);
    signalled = true;
    CHECK(pthread_cond_signal(&condition) == 0 && pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static void child_body(void) {
    pthread_t thread;
    CHECK(pthread_mutex_lock(&mutex) == 0);
    worker_tid = 0;
    CHECK(pthread_create(&thread, NULL, signal_condition, NULL) == 0);
    // It waits for the mutex that the wait below gives back.
    EVENTUALLY(worker_tid);
    until_blocked_in(SYS_futex, worker_tid);
    while (!signalled)
        CHECK(pthread_cond_wait(&condition, &mutex) == 0);
    // By another clock this time would have been long ago.
    struct timespec soon = from_now(CLOCK_MONOTONIC, 20), now;
    CHECK(pthread_cond_timedwait(&condition, &mutex, &soon) == ETIMEDOUT);
    clock_gettime(CLOCK_MONOTONIC, &now);
    CHECK(now.tv_sec > soon.tv_sec || (now.tv_sec == soon.tv_sec && now.tv_nsec >= soon.tv_nsec));
    CHECK(pthread_mutex_unlock(&mutex) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(pthread_cond_destroy(&condition) == 0);
}

int main(void) {
    pthread_condattr_t attributes;
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&condition, &attributes) == 0);
    start_worker_blocked_in(SYS_futex, wait_for_ever);
    worker_tid = 0;
    start_worker_blocked_in(SYS_futex, wait_for_ever);
    fork_working_child(child_body);
    return 0;
}
