// FORKGUARD_LOCKS=reset: threads that take and give mutexes without a pause are lost at any point of that; each child can use them all.
// ENV: FORKGUARD_LOCKS=reset
// ENV: FORKGUARD_SUMMARY=never
// EXPECT-NOT: lock-deadlock
// EXPECT-NO-EVENT: finding severity=error
#include "../../process.h"

#define FORKS 200

static pthread_mutex_t normal = PTHREAD_MUTEX_INITIALIZER, recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t *all[] = {&normal, &recursive};

static void *hammer(void *unused) {
    for (;;)
        for (int i = 0; i < 2; i++) {
            CHECK(pthread_mutex_lock(all[i]) == 0);
            CHECK(pthread_mutex_unlock(all[i]) == 0);
        }
    return unused;
}

static void use_all(void) {
    for (int i = 0; i < 2; i++)
        CHECK(pthread_mutex_lock(all[i]) == 0 && pthread_mutex_unlock(all[i]) == 0);
    _exit(0);
}

int main(void) {
    pthread_t thread;
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&thread, NULL, hammer, NULL) == 0);
    for (int i = 0; i < FORKS; i++)
        fork_working_child(use_all);
    return 0;
}
