// 10,000 threads joined and 10,000 detached leave nothing behind: a leak of 100 bytes a thread would show.
// REPORT: none (it makes no process)
#include "../../check.h"
#include <semaphore.h>

enum { COUNT = 10000, WARM_UP = 500, LEAK_KB = COUNT * 100 / 1024 };
static sem_t ended;

static long resident_kb(void) {
    char line[128];
    long kb = -1;
    FILE *stream = fopen("/proc/self/status", "re");
    CHECK(stream != NULL);
    while (fgets(line, sizeof line, stream))
        sscanf(line, "VmRSS: %ld", &kb);
    fclose(stream);
    CHECK(kb > 0);
    return kb;
}

static void *body(void *unused) {
    pthread_setname_np(pthread_self(), "short-lived");
    return unused;
}

static void *post(void *unused) {
    sem_post(&ended);
    return unused;
}

static void join_many(int count) {
    for (int index = 0; index < count; index++)
        in_thread(body, NULL);
}

static void detach_many(int count) {
    pthread_t thread;
    for (int index = 0; index < count; index++) {
        CHECK(pthread_create(&thread, NULL, post, NULL) == 0);
        CHECK(pthread_detach(thread) == 0);
        CHECK(sem_wait(&ended) == 0);
    }
}

static void grows_little(void (*many)(int)) {
    many(WARM_UP);
    long before = resident_kb();
    many(COUNT);
    CHECK(resident_kb() - before < LEAK_KB);
}

int main(void) {
    CHECK(sem_init(&ended, 0, 0) == 0);
    grows_little(join_many);
    grows_little(detach_many);
    puts("no growth");
    return 0;
}
