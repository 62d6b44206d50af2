// Forks from wherever a program may fork, and a storm: threads that lock, open and start threads, signals whose handlers lock, open and fork, and a
// main thread that forks meanwhile. What it says goes line by line to the file that is its first argument: the same with and without the library.
// `scripts/chaos` runs it under what a machine may do to a program; CHAOS_FORKS is how many the storm makes.
#include "../check.h"
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>

// TSan reads its options from the environment by /proc, which some conditions take away. The library is not compiled for it: what it reads would be
// looked at as a race each time, and a storm of forks took minutes.
#ifdef __SANITIZE_THREAD__
const char *__tsan_default_options(void) {
    return "die_after_fork=0";
}

const char *__tsan_default_suppressions(void) {
    return "called_from_lib:libforkguard.so";
}
#endif

enum { VICTIMS = 3, CHURNERS = 2 };

static const char *results;
static pid_t self;

// Where descriptors are short, the next one is free soon.
static int open_somehow(const char *path, int flags) {
    int fd;
    while ((fd = open(path, flags, 0600)) < 0)
        CHECK(errno == EMFILE || errno == ENFILE || errno == EINTR);
    return fd;
}

static void say(const char *line) {
    int fd = open_somehow(results, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC);
    CHECK(write(fd, line, strlen(line)) == (ssize_t)strlen(line) && write(fd, "\n", 1) == 1);
    CHECK(close(fd) == 0);
}

// A process more, that ends with its own number; there may be room for none just now.
static void fork_once(void) {
    pid_t child;
    while ((child = fork()) < 0)
        CHECK(errno == EAGAIN || errno == ENOMEM);
    if (child == 0)
        _exit(getppid() == self || getpid() != self ? 7 : 8);
    EXITED(child, 7);
}

// A child that does what a child may do: its own locks, descriptors, a thread, a child.
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, handlers_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void *nothing(void *unused) {
    return unused;
}

static void fork_busy_child(void) {
    pid_t child;
    while ((child = fork()) < 0)
        CHECK(errno == EAGAIN || errno == ENOMEM);
    if (child == 0) {
        pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
        int fd = open_somehow("/dev/null", O_RDONLY | O_CLOEXEC);
        CHECK(pthread_mutex_lock(&own) == 0 && pthread_mutex_unlock(&own) == 0 && close(fd) == 0);
        fork_once();
        _exit(9);
    }
    EXITED(child, 9);
}

// In the places of a program's life.

static bool in_atfork;

static void from_atfork(void) {
    if (in_atfork || !results)
        return;
    in_atfork = true;
    fork_once();
    in_atfork = false;
}

static void from_key(void *unused) {
    (void)unused;
    fork_once();
    say("forked in the destructor of a thread's key");
}

static void *thread_with_key(void *key) {
    CHECK(pthread_setspecific(*(pthread_key_t *)key, key) == 0);
    return NULL;
}

static void *small_thread(void *unused) {
    fork_busy_child();
    say("forked on 16 KB of stack");
    return unused;
}

static void at_end(void) {
    if (getpid() != self)
        return;
    fork_once();
    say("forked in an exit handler");
}

__attribute__((constructor)) static void constructor(void) {
    self = getpid();
    fork_once();
}

__attribute__((destructor)) static void destructor(void) {
    if (getpid() != self)
        return;
    fork_once();
    say("forked in a destructor");
}

static void in_every_place(void) {
    pthread_key_t key;
    pthread_t thread;
    pthread_attr_t attributes;
    CHECK(atexit(at_end) == 0);
    CHECK(pthread_key_create(&key, from_key) == 0);
    in_thread(thread_with_key, &key);
    CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN) == 0);
    CHECK(pthread_create(&thread, &attributes, small_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(pthread_atfork(from_atfork, from_atfork, from_atfork) == 0);
    fork_busy_child();
    say("forked in handlers of atfork");
}

// The storm.

static atomic_bool stop;
static atomic_int in_handlers, ready;

static void handler(int unused) {
    (void)unused;
    int error = errno, fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(pthread_mutex_lock(&handlers_mutex) == 0 && pthread_mutex_unlock(&handlers_mutex) == 0);
    fork_once();
    if (fd >= 0)
        close(fd);
    in_handlers++;
    errno = error;
}

// Takes signals: fork in a handler asks that the thread is in no allocator.
static void *victim(void *unused) {
    ready++;
    while (!stop) {
        CHECK(pthread_mutex_lock(&mutex) == 0);
        CHECK(pthread_rwlock_rdlock(&rwlock) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
        CHECK(pthread_mutex_unlock(&mutex) == 0);
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        CHECK(fd < 0 || close(fd) == 0);
    }
    return unused;
}

static void *churn(void *unused) {
    while (!stop) {
        pthread_t thread;
        CHECK(pthread_rwlock_wrlock(&rwlock) == 0 && pthread_rwlock_unlock(&rwlock) == 0);
        if (pthread_create(&thread, NULL, nothing, NULL) == 0)
            CHECK(pthread_join(thread, NULL) == 0);
        brief_pause();
    }
    return unused;
}

static void start(pthread_t *threads, int count, void *(*body)(void *)) {
    for (int index = 0; index < count; index++)
        CHECK(pthread_create(&threads[index], NULL, body, NULL) == 0);
}

static void storm(int forks) {
    pthread_t victims[VICTIMS], churners[CHURNERS];
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigset_t storming;
    sigfillset(&action.sa_mask);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    start(victims, VICTIMS, victim);
    // A handler in a thread that ASan has not set up yet makes it warn.
    EVENTUALLY(ready == VICTIMS);
    sigemptyset(&storming);
    sigaddset(&storming, SIGUSR1);
    CHECK(pthread_sigmask(SIG_BLOCK, &storming, NULL) == 0);
    start(churners, CHURNERS, churn);
    for (int index = 0; index < forks; index++) {
        CHECK(pthread_kill(victims[index % VICTIMS], SIGUSR1) == 0);
        fork_busy_child();
    }
    EVENTUALLY(in_handlers > 0);
    stop = true;
    for (int index = 0; index < VICTIMS + CHURNERS; index++)
        CHECK(pthread_join(index < VICTIMS ? victims[index] : churners[index - VICTIMS], NULL) == 0);
    say("a storm of forks went well");
}

int main(int count, char **arguments) {
    const char *forks = getenv("CHAOS_FORKS");
    CHECK(count == 2);
    results = arguments[1];
    say("forked in a constructor");
    storm(forks ? atoi(forks) : 20);
    in_every_place();
    return 42;
}
