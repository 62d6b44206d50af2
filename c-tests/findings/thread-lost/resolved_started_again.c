// A child handler of pthread_atfork starts the lost thread again, and the child waits for what that gives.
// EXPECT: thread-lost state=open subject~worker count=1
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-LAST: thread-lost resolved count=1
#include "../../process.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static bool wanted, given;

static void *serve(void *unused) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    in_place = true;
    for (;;) {
        CHECK(pthread_cond_wait(&condition, &mutex) == 0);
        if (wanted)
            given = true;
        CHECK(pthread_cond_broadcast(&condition) == 0);
    }
    return unused;
}

static void start(void) {
    pthread_t thread;
    in_place = false;
    CHECK(pthread_cond_init(&condition, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, serve, NULL) == 0);
    CHECK(pthread_setname_np(thread, "worker") == 0);
    EVENTUALLY(in_place);
}

static void ask(void) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    wanted = true;
    CHECK(pthread_cond_broadcast(&condition) == 0);
    while (!given)
        CHECK(pthread_cond_wait(&condition, &mutex) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
}

int main(void) {
    CHECK(pthread_atfork(NULL, NULL, start) == 0);
    start();
    // It had the lock: now it waits for the condition.
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    fork_working_child(ask);
    return 0;
}
