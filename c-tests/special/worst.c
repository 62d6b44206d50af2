// Cases for FORKGUARD_WORST: a thread takes a lock for an instant, again and again; the leader forks once, and the child takes it, too. Without
// the option a run hangs once in thousands. An argument names the case; a line that ends in "LINE: case" is where its lock is taken.
//
// Ends with 0 when the child ended in good order, 1 when it had not after PATIENCE seconds. With WORKS=once the thread works once: then no fork
// can hit it at work. With FORKS=at-once the fork does not wait until the thread has begun.
#include "../check.h"
#include <netdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t counters_lock = PTHREAD_MUTEX_INITIALIZER;
static long counters;

static void count(void) {
    pthread_mutex_lock(&counters_lock); // LINE: mutex
    counters++;
    pthread_mutex_unlock(&counters_lock);
}

// As a cache allocates them: the lock lies on the heap.
static pthread_mutex_t *entry_lock;

static void use_entry(void) {
    pthread_mutex_lock(entry_lock); // LINE: heap
    counters++;
    pthread_mutex_unlock(entry_lock);
}

static pthread_mutex_t nested_lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static void nest(void) {
    pthread_mutex_lock(&nested_lock); // LINE: recursive
    pthread_mutex_lock(&nested_lock);
    pthread_mutex_unlock(&nested_lock);
    pthread_mutex_unlock(&nested_lock);
}

static pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;

static void update_table(void) {
    pthread_rwlock_wrlock(&table_lock); // LINE: rwlock
    counters++;
    pthread_rwlock_unlock(&table_lock);
}

static mtx_t cache_lock;

static void use_cache(void) {
    mtx_lock(&cache_lock); // LINE: c11
    counters++;
    mtx_unlock(&cache_lock);
}

static pthread_spinlock_t ring_lock;

static void push_ring(void) {
    pthread_spin_lock(&ring_lock); // LINE: spin
    counters++;
    pthread_spin_unlock(&ring_lock);
}

static sem_t slot;

static void use_slot(void) {
    sem_wait(&slot); // LINE: semaphore
    counters++;
    sem_post(&slot);
}

static void stamp(void) {
    time_t now = time(NULL);
    struct tm parts;
    localtime_r(&now, &parts); // LINE: localtime
}

static void publish(void) {
    setenv("STATE", "ready", 1); // LINE: setenv
}

static void report(void) {
    syslog(LOG_DEBUG, "tick"); // LINE: syslog
}

static void resolve(void) {
    gethostbyname("localhost"); // LINE: gethostbyname
}

static void draw(void) {
    (void)random(); // LINE: random
}

// What the C library itself takes care of in fork.
static void print(void) {
    free(malloc(1 << 10));
    fprintf(stderr, "%s", "");
    dprintf(2, "%s", "");
}

// A library that takes its lock around a fork.
static void take_counters_lock(void) {
    pthread_mutex_lock(&counters_lock);
}

static void release_counters_lock(void) {
    pthread_mutex_unlock(&counters_lock);
}

// A library that makes its lock anew in the child.
static void renew_counters_lock(void) {
    counters_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

static void nothing(void) {
}

static const struct {
    const char *name;
    void (*in_thread)(void);
    void (*in_child)(void);
} cases[] = {
    {"mutex", count, count},
    {"heap", use_entry, use_entry},
    {"recursive", nest, nest},
    {"rwlock", update_table, update_table},
    {"c11", use_cache, use_cache},
    {"spin", push_ring, push_ring},
    {"semaphore", use_slot, use_slot},
    {"localtime", stamp, stamp},
    {"setenv", publish, publish},
    {"syslog", report, report},
    {"gethostbyname", resolve, resolve},
    {"random", draw, draw},
    // The right ones.
    {"taken-around-fork", count, count},
    {"made-anew", count, count},
    {"other-lock-in-child", count, update_table},
    {"forker-only", nothing, count},
    {"c-library", print, print},
};

static void (*work)(void);
static int begun[2];

static void *work_again_and_again(void *unused) {
    bool has_begun = false;
    // From one place: where a lock is taken is a part of its identity.
    for (;;) {
        work();
        CHECK(has_begun || write(begun[1], "", 1) == 1);
        has_begun = true;
        while (getenv("WORKS"))
            pause();
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return unused;
}

static int is_case(const char *name, const char *other) {
    return strcmp(name, other) == 0;
}

int main(int count_of_arguments, char **arguments) {
    CHECK(count_of_arguments == 2);
    const char *name = arguments[1], *patience = getenv("PATIENCE");
    void (*in_child)(void) = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (is_case(cases[i].name, name)) {
            work = cases[i].in_thread;
            in_child = cases[i].in_child;
        }
    }
    CHECK(in_child != NULL);
    CHECK(sem_init(&slot, 0, 1) == 0 && mtx_init(&cache_lock, mtx_plain) == thrd_success);
    CHECK(pthread_spin_init(&ring_lock, PTHREAD_PROCESS_PRIVATE) == 0);
    entry_lock = malloc(sizeof *entry_lock);
    CHECK(entry_lock != NULL && pthread_mutex_init(entry_lock, NULL) == 0);
    if (is_case(name, "taken-around-fork")) {
        CHECK(pthread_atfork(take_counters_lock, release_counters_lock, release_counters_lock) == 0);
    }
    if (is_case(name, "made-anew")) {
        CHECK(pthread_atfork(NULL, NULL, renew_counters_lock) == 0);
    }
    CHECK(pipe(begun) == 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, work_again_and_again, NULL) == 0);
    CHECK(pthread_setname_np(thread, "worker") == 0);
    char byte;
    CHECK(getenv("FORKS") || read(begun[0], &byte, 1) == 1);
    if (is_case(name, "forker-only")) {
        in_child();
    }
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(patience ? atoi(patience) : 2);
        in_child();
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? 1 : status;
}
