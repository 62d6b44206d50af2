// A prefork program in miniature: a thread works beside the leader, which forks one worker. With an argument ("right") the cure is in.
#include "../../../c-tests/check.h"

static int begun[2];

static void *again_and_again(void *work) {
    ((void (*)(void))work)();
    CHECK(write(begun[1], "", 1) == 1);
    // Seldom: without the option no fork meets it.
    for (;;) {
        usleep(200000);
        ((void (*)(void))work)();
    }
    return NULL;
}

// Gives control back once the thread has done its work for the first time.
static inline void work_beside(const char *name, void (*work)(void)) {
    pthread_t thread;
    char byte;
    CHECK(pipe(begun) == 0);
    CHECK(pthread_create(&thread, NULL, again_and_again, (void *)work) == 0);
    CHECK(pthread_setname_np(thread, name) == 0);
    CHECK(read(begun[0], &byte, 1) == 1);
}

// The worker begins with `work` and then waits for requests; the leader waits for it.
static inline int fork_worker(void (*work)(void)) {
    pid_t worker = fork();
    CHECK(worker >= 0);
    if (worker == 0) {
        work();
        for (;;) {
            pause();
        }
    }
    return waitpid(worker, NULL, 0) != worker;
}
