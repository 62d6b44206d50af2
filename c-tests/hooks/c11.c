// mtx_lock, mtx_timedlock, mtx_trylock, mtx_unlock, cnd_wait, cnd_timedwait.
#include "driver.h"
#include <threads.h>

static int trylock_elsewhere(void *mutex) {
    return mtx_trylock(mutex);
}

static int result_elsewhere(mtx_t *mutex) {
    thrd_t thread;
    int result;
    CHECK(thrd_create(&thread, trylock_elsewhere, mutex) == thrd_success);
    CHECK(thrd_join(thread, &result) == thrd_success);
    return result;
}

SNIPPET(plain) {
    mtx_t mutex;
    CHECK(mtx_init(&mutex, mtx_plain) == thrd_success);
    KEEPS_ERRNO(mtx_lock(&mutex) == thrd_success);
    CHECK(mtx_trylock(&mutex) == thrd_busy);
    CHECK(result_elsewhere(&mutex) == thrd_busy);
    KEEPS_ERRNO(mtx_unlock(&mutex) == thrd_success);
    CHECK(mtx_trylock(&mutex) == thrd_success);
    CHECK(mtx_unlock(&mutex) == thrd_success);
    mtx_destroy(&mutex);
}

SNIPPET(recursive_timed) {
    mtx_t mutex;
    struct timespec soon = from_now(CLOCK_REALTIME, 1000);
    CHECK(mtx_init(&mutex, mtx_timed | mtx_recursive) == thrd_success);
    CHECK(mtx_lock(&mutex) == thrd_success);
    CHECK(mtx_trylock(&mutex) == thrd_success);
    CHECK(mtx_timedlock(&mutex, &soon) == thrd_success);
    for (int depth = 0; depth < 3; depth++) {
        CHECK(result_elsewhere(&mutex) == thrd_busy);
        CHECK(mtx_unlock(&mutex) == thrd_success);
    }
    mtx_destroy(&mutex);
}

SNIPPET(timed) {
    mtx_t mutex;
    struct timespec soon = from_now(CLOCK_REALTIME, 1);
    CHECK(mtx_init(&mutex, mtx_timed) == thrd_success);
    CHECK(mtx_lock(&mutex) == thrd_success);
    CHECK(mtx_timedlock(&mutex, &soon) == thrd_timedout);
    CHECK(mtx_unlock(&mutex) == thrd_success);
    mtx_destroy(&mutex);
}

struct handover {
    mtx_t mutex;
    cnd_t condition;
    bool given;
};

static int give(void *argument) {
    struct handover *handover = argument;
    CHECK(mtx_lock(&handover->mutex) == thrd_success);
    handover->given = true;
    CHECK(cnd_signal(&handover->condition) == thrd_success);
    CHECK(mtx_unlock(&handover->mutex) == thrd_success);
    return 0;
}

SNIPPET(condition) {
    struct handover handover = {0};
    thrd_t thread;
    CHECK(mtx_init(&handover.mutex, mtx_timed) == thrd_success);
    CHECK(cnd_init(&handover.condition) == thrd_success);
    CHECK(mtx_lock(&handover.mutex) == thrd_success);
    struct timespec soon = from_now(CLOCK_REALTIME, 1);
    CHECK(cnd_timedwait(&handover.condition, &handover.mutex, &soon) == thrd_timedout);
    CHECK(thrd_create(&thread, give, &handover) == thrd_success);
    while (!handover.given)
        CHECK(cnd_wait(&handover.condition, &handover.mutex) == thrd_success);
    CHECK(result_elsewhere(&handover.mutex) == thrd_busy);
    CHECK(mtx_unlock(&handover.mutex) == thrd_success);
    CHECK(thrd_join(thread, NULL) == thrd_success);
    cnd_destroy(&handover.condition);
    mtx_destroy(&handover.mutex);
}
