// Threads are made, locks taken and forks run while another thread sits in dlopen, whose constructor makes and joins a thread: a
// hook that asks the loader for its real function then waits for ever (glibc's tst-create1).
// PLUGIN: thread_in_constructor
// LIBS: -ldl
#include "../../check.h"
#include <dlfcn.h>
#include <semaphore.h>
#include <stdatomic.h>

static atomic_bool stop;

static void *body(void *unused) {
    pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
    sem_t semaphore;
    CHECK(pthread_rwlock_rdlock(&rwlock) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
    CHECK(sem_init(&semaphore, 0, 1) == 0 && sem_trywait(&semaphore) == 0);
    return unused;
}

static void *make_threads(void *unused) {
    while (!stop)
        in_thread(body, NULL);
    return unused;
}

static void *load(void *unused) {
    for (int round = 0; round < 300; round++) {
        void *plugin = dlopen("libthread_in_constructor.so", RTLD_NOW);
        CHECK(plugin != NULL);
        CHECK(dlclose(plugin) == 0);
    }
    stop = true;
    return unused;
}

int main(void) {
    pthread_t loader, maker;
    CHECK(pthread_create(&loader, NULL, load, NULL) == 0);
    CHECK(pthread_create(&maker, NULL, make_threads, NULL) == 0);
    while (!stop) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            _exit(0);
        EXITED(child, 0);
    }
    CHECK(pthread_join(loader, NULL) == 0 && pthread_join(maker, NULL) == 0);
    puts("no deadlock with the loader");
    return 0;
}
