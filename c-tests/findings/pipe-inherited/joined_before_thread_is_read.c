// The same where a thread of the child's writes, and its main thread waits for that (multiprocessing's queues).
// EXPECT: pipe-inherited severity=error state=hit subject~'a full pipe that nobody reads' subject~'waits for its end first' count=1
#include "fixture.h"

static int ends[2];

static void *feed(void *unused) {
    static char report[1 << 20];
    (void)unused;
    CHECK(write(ends[1], report, sizeof report) == sizeof report);
    return NULL;
}

static void leader_body(void) {
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        // As CPython joins: pthread_join's own futex is one that the kernel wakes, and is not judged.
        static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
        pthread_t feeder;
        CHECK(pthread_create(&feeder, NULL, feed, NULL) == 0);
        pthread_mutex_lock(&mutex);
        pthread_cond_wait(&ended, &mutex);
        _exit(0);
    }
    waitpid(child, NULL, 0);
}

int main(void) {
    end_once_reported(leader_body);
    return 0;
}
