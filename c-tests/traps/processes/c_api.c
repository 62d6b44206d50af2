// The whole C API: a program that uses it does the same with and without the library, whatever guards do.
#include "../../check.h"
#include "../../../include/forkguard.h"
#include <stdatomic.h>

static int caught;

static void fixup(void *argument) {
    *(int *)argument += 1;
    errno = EIO;
}

static void *thread(void *go) {
    while (!*(atomic_bool *)go)
        brief_pause();
    return NULL;
}

// In a signal handler, too: nothing here takes a lock.
static void handler(int signal) {
    int number = forkguard_register_fixup ? forkguard_register_fixup("of a handler", fixup, &caught) : 0;
    CHECK(number >= 0);
    if (forkguard_unregister_fixup)
        CHECK(forkguard_unregister_fixup(number) == 0);
    caught = signal;
}

static void by_all_names(pthread_t started) {
    static pthread_mutex_t lock;
    if (forkguard_version)
        CHECK(strlen(forkguard_version()) > 4);
    if (forkguard_active)
        CHECK(forkguard_active() >= 0);
    if (forkguard_keep_descriptor) {
        KEEPS_ERRNO(forkguard_keep_descriptor(1) == 0);
        FAILS(EBADF, forkguard_keep_descriptor(4711));
    }
    if (forkguard_name_lock)
        KEEPS_ERRNO(forkguard_name_lock(&lock, "a lock") == 0 && forkguard_name_lock(&lock, NULL) == 0);
    // Where no hook saw the thread start, there is none to be marked.
    if (forkguard_mark_thread_fork_safe && forkguard_mark_thread_fork_safe(started) != 0)
        CHECK(errno == ESRCH);
    if (forkguard_mark_thread_restartable && forkguard_mark_thread_restartable(started) != 0)
        CHECK(errno == ESRCH);
    if (forkguard_fixup_begins && forkguard_fixup_ended) {
        forkguard_fixup_begins("in no child");
        forkguard_fixup_ended("in no child", 0);
        forkguard_fixup_begins(NULL);
        forkguard_fixup_ended(NULL, 1);
    }
}

int main(void) {
    int ran = 0;
    atomic_bool go = false;
    pthread_t started;
    CHECK(pthread_create(&started, NULL, thread, &go) == 0);
    by_all_names(started);
    if (forkguard_register_fixup)
        KEEPS_ERRNO(forkguard_register_fixup("counts", fixup, &ran) >= 0);
    CHECK(signal(SIGUSR1, handler) != SIG_ERR && raise(SIGUSR1) == 0 && caught == SIGUSR1);
    errno = 4711;
    pid_t child = fork();
    CHECK(child >= 0 && errno == 4711);
    if (child == 0) {
        CHECK(ran == (forkguard_active && forkguard_active()));
        _exit(0);
    }
    EXITED(child, 0);
    CHECK(ran == 0);
    go = true;
    CHECK(pthread_join(started, NULL) == 0);
    puts("well");
    return 0;
}
