// A pool of connections: whoever takes one counts down a semaphore on the heap.
#include "prefork.h"
#include <semaphore.h>

static sem_t *slots;

static void ping(void) {
    sem_wait(slots); // # thread
    sem_post(slots);
}

static void use_connection(void) {
    sem_wait(slots); // # worker
    sem_post(slots);
}

static void open_pool(void) {
    slots = malloc(sizeof *slots);
    CHECK(slots != NULL && sem_init(slots, 0, 1) == 0);
}

int main(int count, char **arguments) {
    (void)arguments;
    open_pool();
    if (count > 1) {
        CHECK(pthread_atfork(NULL, NULL, open_pool) == 0);
    }
    work_beside("ping", ping);
    return fork_worker(use_connection);
}
