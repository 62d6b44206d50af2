// Twelve locks of a lost thread, and two threads of the child for each, all at once: every lock is reported once.
// EXPECT: lock-orphaned count=12
// EXPECT: lock-deadlock severity=error state=hit subject~worker count=12
// EXPECT-LAST: lock-deadlock hit count=12
// EXPECT-LAST: lock-orphaned hit count=12
#include "../../working_child.h"

#define LOCKS 12

static pthread_mutex_t locks[LOCKS];
static pthread_barrier_t ready;
static _Atomic pid_t tids[2 * LOCKS];

static void worker_body(void) {
    for (int index = 0; index < LOCKS; index++)
        CHECK(pthread_mutex_init(&locks[index], NULL) == 0 && pthread_mutex_lock(&locks[index]) == 0);
}

static void *wait_for_lock(void *argument) {
    int index = (int)(intptr_t)argument;
    tids[index] = gettid();
    pthread_barrier_wait(&ready);
    pthread_mutex_lock(&locks[index % LOCKS]);
    return NULL;
}

static void child_body(void) {
    pthread_t thread;
    CHECK(pthread_barrier_init(&ready, NULL, 2 * LOCKS + 1) == 0);
    for (intptr_t index = 0; index < 2 * LOCKS; index++)
        CHECK(pthread_create(&thread, NULL, wait_for_lock, (void *)index) == 0);
    pthread_barrier_wait(&ready);
    // Each thread writes its finding before it sleeps.
    for (int index = 0; index < 2 * LOCKS; index++)
        until_blocked(tids[index], SYS_futex, &locks[index % LOCKS]);
}
