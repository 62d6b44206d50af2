// A program that is bound to older versions of functions, whose objects are smaller or that act otherwise: the default ones would write
// over what lies behind the objects.
// LIBS: -ldl
#include "../../check.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>

#define BOUND_TO(name, version, result, ...) \
    extern result name##_at_##version(__VA_ARGS__); \
    __asm__(".symver " #name "_at_" #version ", " #name "@GLIBC_" version_##version)
#define version_2_2_5 "2.2.5"
#define version_2_3_3 "2.3.3"
#define version_2_10 "2.10"

// One word, which leads to the condition itself; what lies behind it must stay.
struct older_condition {
    void *condition;
    long behind[8];
};

BOUND_TO(pthread_cond_init, 2_2_5, int, struct older_condition *, void *);
BOUND_TO(pthread_cond_wait, 2_2_5, int, struct older_condition *, pthread_mutex_t *);
BOUND_TO(pthread_cond_timedwait, 2_2_5, int, struct older_condition *, pthread_mutex_t *, const struct timespec *);
BOUND_TO(pthread_cond_signal, 2_2_5, int, struct older_condition *);
BOUND_TO(pthread_cond_destroy, 2_2_5, int, struct older_condition *);
BOUND_TO(timer_create, 2_2_5, int, clockid_t, struct sigevent *, int *);
BOUND_TO(timer_settime, 2_2_5, int, int, int, const struct itimerspec *, struct itimerspec *);
BOUND_TO(timer_delete, 2_2_5, int, int);
BOUND_TO(timer_create, 2_3_3, int, clockid_t, struct sigevent *, timer_t *);
BOUND_TO(posix_spawn, 2_2_5, int, pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
         char *const[], char *const[]);
BOUND_TO(quick_exit, 2_10, void, int);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct older_condition condition = {.behind = {1, 2, 3, 4, 5, 6, 7, 8}};
static bool go;

static void *wait_for_it(void *unused) {
    CHECK(pthread_mutex_lock(&mutex) == 0);
    while (!go)
        CHECK(pthread_cond_wait_at_2_2_5(&condition, &mutex) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static void conditions(void) {
    pthread_t waiter;
    struct timespec past = {1, 0};
    CHECK(pthread_create(&waiter, NULL, wait_for_it, NULL) == 0);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    CHECK(pthread_cond_timedwait_at_2_2_5(&condition, &mutex, &past) == ETIMEDOUT);
    go = true;
    CHECK(pthread_cond_signal_at_2_2_5(&condition) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    CHECK(pthread_join(waiter, NULL) == 0);
    CHECK(pthread_cond_destroy_at_2_2_5(&condition) == 0);
    for (long index = 0; index < 8; index++)
        CHECK(condition.behind[index] == index + 1);
}

static void timers(void) {
    struct sigevent silent = {.sigev_notify = SIGEV_NONE};
    struct itimerspec later = {.it_value.tv_sec = 1000};
    struct { int timer, behind; } small = {0, 4711};
    CHECK(timer_create_at_2_2_5(CLOCK_MONOTONIC, &silent, &small.timer) == 0 && small.behind == 4711);
    CHECK(timer_settime_at_2_2_5(small.timer, 0, &later, NULL) == 0 && timer_delete_at_2_2_5(small.timer) == 0);
    timer_t timer;
    CHECK(timer_create_at_2_3_3(CLOCK_MONOTONIC, &silent, &timer) == 0);
    CHECK(timer_settime(timer, 0, &later, NULL) == 0 && timer_delete(timer) == 0);
}

// Only the older function runs a file without `#!` as a script.
static void programs(void) {
    char script[] = "/tmp/older_versions-XXXXXX";
    int file = mkstemp(script);
    CHECK(file >= 0 && write(file, "exit 7\n", 7) == 7 && fchmod(file, 0700) == 0 && close(file) == 0);
    char *arguments[] = {script, NULL};
    pid_t child;
    CHECK(posix_spawn(&child, script, NULL, NULL, arguments, environ) == ENOEXEC);
    CHECK(posix_spawn_at_2_2_5(&child, script, NULL, NULL, arguments, environ) == 0);
    EXITED(child, 7);
    CHECK(unlink(script) == 0);
}

static void ends(void *unused) {
    (void)unused;
    quick_exit_at_2_10(0);
}

// A version asked for by name is that of the library whose turn it is, and another one for another version.
static void lookups(void) {
    const char *names[][3] = {{"pthread_cond_wait", "GLIBC_2.2.5", "GLIBC_2.3.2"}, {"timer_create", "GLIBC_2.2.5", "GLIBC_2.3.3"}};
    for (size_t index = 0; index < 2; index++) {
        void *older = dlvsym(RTLD_DEFAULT, names[index][0], names[index][1]);
        void *newer = dlvsym(RTLD_DEFAULT, names[index][0], names[index][2]);
        CHECK(older != NULL && newer != NULL && older != newer && newer == dlsym(RTLD_DEFAULT, names[index][0]));
    }
    CHECK(dlvsym(RTLD_DEFAULT, "timer_create", "GLIBC_2.3") == NULL);
}

int main(void) {
    conditions();
    timers();
    programs();
    in_child(ends, NULL);
    lookups();
    puts("each call reached the version it is bound to");
    return 0;
}
