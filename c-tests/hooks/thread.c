// pthread_create, pthread_detach, pthread_setname_np, thrd_create, thrd_detach, prctl: results, attributes, ends.
#include "driver.h"
#include <limits.h>
#include <semaphore.h>
#include <sys/prctl.h>
#include <threads.h>

static void *return_argument(void *argument) {
    return argument;
}

SNIPPET(argument_and_result) {
    pthread_t thread;
    void *result;
    KEEPS_ERRNO(pthread_create(&thread, NULL, return_argument, (void *)0x1234) == 0);
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(result == (void *)0x1234);
}

static void *exit_with(void *argument) {
    pthread_exit(argument);
}

SNIPPET(result_of_pthread_exit) {
    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, NULL, exit_with, (void *)0x4321) == 0);
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(result == (void *)0x4321);
}

static void *measure_own_stack(void *size) {
    pthread_attr_t attributes;
    CHECK(pthread_getattr_np(pthread_self(), &attributes) == 0);
    CHECK(pthread_attr_getstacksize(&attributes, size) == 0);
    CHECK(pthread_attr_destroy(&attributes) == 0);
    return NULL;
}

SNIPPET(attributes_hold) {
    pthread_attr_t attributes;
    pthread_t thread;
    size_t size = 0;
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, 256 << 10) == 0);
    CHECK(pthread_create(&thread, &attributes, measure_own_stack, &size) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(size == 256 << 10);
    CHECK(pthread_attr_setstacksize(&attributes, (size_t)1 << 47) == 0);
    CHECK(pthread_create(&thread, &attributes, return_argument, NULL) == EAGAIN);
    CHECK(pthread_attr_destroy(&attributes) == 0);
}

// The smallest stack must still do for the thread and whatever is put around its start routine.
SNIPPET(smallest_stack) {
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN) == 0);
    CHECK(pthread_create(&thread, &attributes, return_argument, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(pthread_attr_destroy(&attributes) == 0);
}

static void *post(void *semaphore) {
    CHECK(sem_post(semaphore) == 0);
    return NULL;
}

SNIPPET(made_detached) {
    pthread_attr_t attributes;
    pthread_t thread;
    static sem_t ended;
    CHECK(sem_init(&ended, 0, 0) == 0);
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0);
    CHECK(pthread_create(&thread, &attributes, post, &ended) == 0);
    CHECK(sem_wait(&ended) == 0);
    CHECK(pthread_attr_destroy(&attributes) == 0);
}

struct gate {
    sem_t open;
    sem_t passed;
};

static void *pass(void *argument) {
    struct gate *gate = argument;
    CHECK(sem_wait(&gate->open) == 0);
    CHECK(sem_post(&gate->passed) == 0);
    return NULL;
}

SNIPPET(detached_later) {
    static struct gate gate;
    pthread_t thread;
    CHECK(sem_init(&gate.open, 0, 0) == 0 && sem_init(&gate.passed, 0, 0) == 0);
    CHECK(pthread_create(&thread, NULL, pass, &gate) == 0);
    CHECK(pthread_tryjoin_np(thread, NULL) == EBUSY);
    KEEPS_ERRNO(pthread_detach(thread) == 0);
    CHECK(pthread_detach(thread) == EINVAL);
    CHECK(pthread_join(thread, NULL) == EINVAL);
    CHECK(sem_post(&gate.open) == 0);
    CHECK(sem_wait(&gate.passed) == 0);
}

static void *detach_itself(void *semaphore) {
    CHECK(pthread_detach(pthread_self()) == 0);
    return post(semaphore);
}

SNIPPET(detached_by_itself) {
    static sem_t ended;
    pthread_t thread;
    CHECK(sem_init(&ended, 0, 0) == 0);
    CHECK(pthread_create(&thread, NULL, detach_itself, &ended) == 0);
    CHECK(sem_wait(&ended) == 0);
}

struct joiner {
    pthread_t thread;
    atomic_bool joins;
};

static void *join_for_ever(void *argument) {
    struct joiner *joiner = argument;
    joiner->joins = true;
    pthread_join(joiner->thread, NULL);
    return argument;
}

// pthread_join is a cancellation point; the thread can still be joined afterwards.
SNIPPET(join_cancelled) {
    static struct gate gate;
    struct joiner joiner = {.joins = false};
    pthread_t thread;
    void *result;
    CHECK(sem_init(&gate.open, 0, 0) == 0 && sem_init(&gate.passed, 0, 0) == 0);
    CHECK(pthread_create(&joiner.thread, NULL, pass, &gate) == 0);
    CHECK(pthread_create(&thread, NULL, join_for_ever, &joiner) == 0);
    EVENTUALLY(joiner.joins);
    CHECK(pthread_cancel(thread) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    CHECK(sem_post(&gate.open) == 0);
    KEEPS_ERRNO(pthread_join(joiner.thread, NULL) == 0);
}

SNIPPET(join_with_a_deadline) {
    static struct gate gate;
    pthread_t thread;
    struct timespec soon = from_now(CLOCK_REALTIME, 1), later = from_now(CLOCK_MONOTONIC, 1);
    CHECK(sem_init(&gate.open, 0, 0) == 0 && sem_init(&gate.passed, 0, 0) == 0);
    CHECK(pthread_create(&thread, NULL, pass, &gate) == 0);
    CHECK(pthread_timedjoin_np(thread, NULL, &soon) == ETIMEDOUT);
    CHECK(pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &later) == ETIMEDOUT);
    CHECK(sem_post(&gate.open) == 0);
    soon = from_now(CLOCK_REALTIME, 60000);
    KEEPS_ERRNO(pthread_timedjoin_np(thread, NULL, &soon) == 0);
}

SNIPPET(join_of_itself) {
    CHECK(pthread_join(pthread_self(), NULL) == EDEADLK);
}

static int c11_body(void *argument) {
    thrd_exit(*(int *)argument);
}

static int c11_post(void *semaphore) {
    CHECK(sem_post(semaphore) == 0);
    return 0;
}

SNIPPET(c11_threads) {
    thrd_t thread;
    int code = 17, result = 0;
    CHECK(thrd_create(&thread, c11_body, &code) == thrd_success);
    CHECK(thrd_join(thread, &result) == thrd_success);
    CHECK(result == 17);
    static sem_t ended;
    CHECK(sem_init(&ended, 0, 0) == 0);
    CHECK(thrd_create(&thread, c11_post, &ended) == thrd_success);
    CHECK(thrd_detach(thread) == thrd_success);
    CHECK(sem_wait(&ended) == 0);
}

static void *check_names(void *unused) {
    char name[32];
    CHECK(pthread_setname_np(pthread_self(), "worker-1") == 0);
    CHECK(prctl(PR_GET_NAME, name) == 0);
    CHECK(strcmp(name, "worker-1") == 0);
    CHECK(pthread_setname_np(pthread_self(), "fifteen-letters") == 0);
    CHECK(pthread_setname_np(pthread_self(), "sixteen--letters") == ERANGE);
    CHECK(pthread_getname_np(pthread_self(), name, sizeof name) == 0);
    CHECK(strcmp(name, "fifteen-letters") == 0);
    CHECK(pthread_getname_np(pthread_self(), name, 4) == ERANGE);
    CHECK(prctl(PR_SET_NAME, "a name that is too long for the kernel") == 0);
    CHECK(pthread_getname_np(pthread_self(), name, sizeof name) == 0);
    CHECK(strcmp(name, "a name that is ") == 0);
    return unused;
}

SNIPPET(names) {
    in_thread(check_names, NULL);
    pthread_t thread;
    static struct gate gate;
    char name[32];
    CHECK(sem_init(&gate.open, 0, 0) == 0 && sem_init(&gate.passed, 0, 0) == 0);
    CHECK(pthread_create(&thread, NULL, pass, &gate) == 0);
    CHECK(pthread_setname_np(thread, "named-by-other") == 0);
    CHECK(pthread_getname_np(thread, name, sizeof name) == 0);
    CHECK(strcmp(name, "named-by-other") == 0);
    CHECK(sem_post(&gate.open) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

SAFE_SNIPPET(prctl_passes_all) {
    int dumpable = prctl(PR_GET_DUMPABLE);
    CHECK(dumpable >= 0);
    CHECK(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
    CHECK(prctl(PR_GET_DUMPABLE) == 0);
    CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
    FAILS(EINVAL, prctl(PR_SET_DUMPABLE, 7, 0, 0, 0));
    FAILS(EINVAL, prctl(0x7ffffff0, 1, 2, 3, 4));
    int subreaper = -1;
    CHECK(prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0) == 0);
    CHECK(subreaper == 0);
    CHECK(prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0) == 0 || dumpable == 2);
}

static void *own_mask(void *mask) {
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, mask) == 0);
    return NULL;
}

SNIPPET(signal_mask_is_inherited) {
    sigset_t two, old, seen;
    sigemptyset(&two);
    sigaddset(&two, SIGUSR1);
    sigaddset(&two, SIGRTMIN + 5);
    CHECK(pthread_sigmask(SIG_BLOCK, &two, &old) == 0);
    in_thread(own_mask, &seen);
    CHECK(sigismember(&seen, SIGUSR1) == 1);
    CHECK(sigismember(&seen, SIGRTMIN + 5) == 1);
    CHECK(sigismember(&seen, SIGUSR2) == sigismember(&old, SIGUSR2));
    CHECK(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
}

static atomic_int destroyed;

static void destroy(void *value) {
    CHECK(value == (void *)7);
    destroyed++;
}

static void *set_key(void *key) {
    CHECK(pthread_setspecific(*(pthread_key_t *)key, (void *)7) == 0);
    return NULL;
}

SNIPPET(destructors_run) {
    pthread_key_t key;
    destroyed = 0;
    CHECK(pthread_key_create(&key, destroy) == 0);
    in_thread(set_key, &key);
    CHECK(destroyed == 1);
    CHECK(pthread_key_delete(key) == 0);
}

static void *thread_of_a_thread(void *unused) {
    in_thread(return_argument, NULL);
    return unused;
}

SNIPPET(nested) {
    in_thread(thread_of_a_thread, NULL);
}
