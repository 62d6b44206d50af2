// Makes a thread, a handler, a held lock and a fork on lines that the tests know by the comments behind them.
#include "../process.h"
#include <semaphore.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t held, done;

static void handler(int number) {
    (void)number;
}

static void *worker(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock); // taken in worker
    sem_post(&held);
    while (sem_wait(&done) != 0) {
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

__attribute__((always_inline)) static inline void set_handler(void) {
    signal(SIGUSR2, handler); // set in set_handler
}

static pthread_t start(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, worker, NULL) == 0); // started in start
    return thread;
}

int main(void) {
    CHECK(sem_init(&held, 0, 0) == 0 && sem_init(&done, 0, 0) == 0);
    set_handler();
    pthread_t thread = start();
    while (sem_wait(&held) != 0) {
    }
    pid_t child = fork(); // fork in main
    CHECK(child >= 0);
    if (child == 0)
        live();
    EXITED(child, 0);
    sem_post(&done);
    CHECK(pthread_join(thread, NULL) == 0);
    return 0;
}
