// More threads than there are records for: in one without, a pair of lock and unlock still costs next to nothing (if not, this
// would take minutes).
// ENV: FORKGUARD_SUMMARY=never
// EXPECT-EVENT: fork kind=fork count=1
#include "../../process.h"
#include <limits.h>

enum { THREADS = 6000, PAIRS = 10000000 };
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *wait_at_gate(void *unused) {
    CHECK(pthread_mutex_lock(&gate) == 0 && pthread_mutex_unlock(&gate) == 0);
    return unused;
}

static void *lock_often(void *unused) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    for (int pair = 0; pair < PAIRS; pair++)
        CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

int main(void) {
    static pthread_t threads[THREADS];
    pthread_attr_t small;
    fork_living_child();
    CHECK(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN + 16384) == 0);
    CHECK(pthread_mutex_lock(&gate) == 0);
    for (int index = 0; index < THREADS; index++)
        CHECK(pthread_create(&threads[index], &small, wait_at_gate, NULL) == 0);
    in_thread(lock_often, NULL);
    CHECK(pthread_mutex_unlock(&gate) == 0);
    for (int index = 0; index < THREADS; index++)
        CHECK(pthread_join(threads[index], NULL) == 0);
    return 0;
}
