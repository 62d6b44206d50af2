// Two threads of the child wake each other, thousands of times: each waits as soon as it has woken the other, which has not run yet.
// EXPECT: thread-lost count=1
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-NO-EVENT: finding-state state=hit
#include "../../process.h"
#include <semaphore.h>

#define ROUNDS 3000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t turn[2];
static int whose;

static void *take_turns(void *argument) {
    int mine = *(int *)argument;
    for (int round = 0; round < ROUNDS; round++) {
        CHECK(sem_wait(&turn[mine]) == 0 && sem_post(&turn[!mine]) == 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        CHECK(pthread_mutex_lock(&mutex) == 0);
        while (whose != mine)
            CHECK(pthread_cond_wait(&condition, &mutex) == 0);
        whose = !mine;
        CHECK(pthread_cond_broadcast(&condition) == 0 && pthread_mutex_unlock(&mutex) == 0);
    }
    return NULL;
}

static void let_them(void) {
    pthread_t thread;
    CHECK(sem_init(&turn[0], 0, 1) == 0 && sem_init(&turn[1], 0, 0) == 0);
    CHECK(pthread_create(&thread, NULL, take_turns, &(int){1}) == 0);
    take_turns(&(int){0});
    CHECK(pthread_join(thread, NULL) == 0);
}

int main(void) {
    start_worker(stay_idle);
    fork_working_child(let_them);
    return 0;
}
