// Children whose only thread waits for conditions up to a time: that is a sleep, as a worker's between two jobs, and they have settled.
// EXPECT: thread-lost severity=warning state=open subject~worker count=4
// EXPECT-EVENT: child settled=pthread_cond_timedwait findings.warning=1 count=2
// EXPECT-EVENT: child settled=pthread_cond_clockwait findings.warning=1 count=1
// EXPECT-EVENT: child settled=cnd_timedwait findings.warning=1 count=1
// STDERR: worker
#include "../../worker.h"
#include <threads.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void worker_body(void) {
}

static struct timespec in_a_second(clockid_t clock) {
    struct timespec time;
    CHECK(clock_gettime(clock, &time) == 0);
    time.tv_sec += 1;
    return time;
}

static void until_a_time_of_day(void) {
    struct timespec time = in_a_second(CLOCK_REALTIME);
    CHECK(pthread_cond_timedwait(&condition, &mutex, &time) == ETIMEDOUT);
}

static void by_the_conditions_clock(void) {
    pthread_condattr_t attributes;
    pthread_cond_t monotonic;
    CHECK(pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&monotonic, &attributes) == 0);
    struct timespec time = in_a_second(CLOCK_MONOTONIC);
    CHECK(pthread_cond_timedwait(&monotonic, &mutex, &time) == ETIMEDOUT);
}

static void by_another_clock(void) {
    struct timespec time = in_a_second(CLOCK_MONOTONIC);
    CHECK(pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &time) == ETIMEDOUT);
}

static void of_c11(void) {
    mtx_t lock;
    cnd_t event;
    CHECK(mtx_init(&lock, mtx_plain) == thrd_success && cnd_init(&event) == thrd_success && mtx_lock(&lock) == thrd_success);
    struct timespec time = in_a_second(CLOCK_REALTIME);
    CHECK(cnd_timedwait(&event, &lock, &time) == thrd_timedout);
}

static pid_t fork_sleeper(void (*sleep)(void)) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(pthread_mutex_lock(&mutex) == 0);
        sleep();
        // No exit handler: the sleep is all that a wait for work could be.
        _exit(0);
    }
    return child;
}

int main(void) {
    void (*const sleeps[])(void) = {until_a_time_of_day, by_the_conditions_clock, by_another_clock, of_c11};
    pid_t children[4];
    start_worker(run_and_stay);
    for (int i = 0; i < 4; i++)
        children[i] = fork_sleeper(sleeps[i]);
    for (int i = 0; i < 4; i++)
        EXITED(children[i], 0);
    return 0;
}
