// The only thread of the child waits for what nobody will give, but not for ever.
// EXPECT: thread-lost count=1
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-LAST: thread-lost open
#include "../../process.h"
#include <linux/futex.h>
#include <semaphore.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void wait_a_little(void) {
    static atomic_int word;
    sem_t semaphore;
    struct timespec soon = from_now(CLOCK_REALTIME, 5), later = from_now(CLOCK_MONOTONIC, 5), relative = {.tv_nsec = 5000000};
    CHECK(sem_init(&semaphore, 0, 0) == 0);
    FAILS(ETIMEDOUT, sem_timedwait(&semaphore, &soon));
    FAILS(ETIMEDOUT, sem_clockwait(&semaphore, CLOCK_MONOTONIC, &later));
    CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_cond_timedwait(&condition, &mutex, &soon) == ETIMEDOUT);
    CHECK(pthread_cond_clockwait(&condition, &mutex, CLOCK_MONOTONIC, &later) == ETIMEDOUT);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    FAILS(ETIMEDOUT, syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &relative, NULL, 0));
    FAILS(EAGAIN, syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
    CHECK(syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0) == 0);
}

int main(void) {
    start_worker(stay_idle);
    fork_working_child(wait_a_little);
    return 0;
}
