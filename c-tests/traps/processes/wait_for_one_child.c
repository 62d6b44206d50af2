// A leader with threads waits for one child: status, order of signal handlers, EINTR, restart, cancellation are as ever.
#include "../../check.h"
#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>

static volatile sig_atomic_t handled, reaped;
// The leader sets the time at which a child ends.
static _Atomic int *end;
static pthread_t main_thread;

static void *stay(void *unused) {
    (void)unused;
    // Handlers run in the thread that waits.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    while (!handled || handled)
        syscall(SYS_pause);
    return NULL;
}

static void on_alarm(int number) {
    (void)number;
    handled++;
}

// The library waits for the child in ppoll.
static bool main_waits(void) {
    char path[64], text[128];
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", getpid());
    FILE *stream = fopen(path, "re");
    CHECK(stream != NULL);
    long number = -1;
    bool waits = fgets(text, sizeof text, stream) && sscanf(text, "%ld", &number) == 1 && (number == SYS_wait4 || number == SYS_ppoll);
    fclose(stream);
    return waits;
}

// What happens while the main thread waits, in this order: a handler runs there, the child ends.
struct events {
    bool interrupts, ends;
};

static void *happen(void *these) {
    const struct events *events = these;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    EVENTUALLY(main_waits());
    if (events->interrupts) {
        CHECK(pthread_kill(main_thread, SIGALRM) == 0);
        EVENTUALLY(handled);
    }
    if (events->ends) {
        EVENTUALLY(main_waits());
        *end = 1;
    }
    return NULL;
}

static pthread_t while_main_waits(const struct events *events) {
    pthread_t thread;
    handled = 0;
    CHECK(pthread_create(&thread, NULL, happen, (void *)events) == 0);
    return thread;
}

static void reap_any(int number) {
    (void)number;
    int error = errno;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        reaped++;
    errno = error;
}

static void handle(int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    CHECK(sigaction(number, &action, NULL) == 0);
}

static void alarm_in(int milliseconds, int every) {
    struct itimerval time = {.it_value = {.tv_usec = milliseconds * 1000}, .it_interval = {.tv_usec = every * 1000}};
    CHECK(setitimer(ITIMER_REAL, &time, NULL) == 0);
}

static pid_t child_that_waits(int code) {
    *end = 0;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        for (int round = 0; !*end && round < 20000; round++)
            brief_pause();
        _exit(*end ? code : 99);
    }
    return child;
}

static int descriptors(void) {
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory && readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void *cancelled(void *child) {
    (void)!waitpid(*(pid_t *)child, NULL, 0);
    return NULL;
}

static void blocked_is_as_before(const sigset_t *before) {
    sigset_t now;
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
    for (int number = 1; number < 65; number++)
        CHECK(sigismember(&now, number) == sigismember(before, number));
}

int main(void) {
    static const struct events interrupted = {.interrupts = true}, ended = {.ends = true}, both = {true, true};
    pthread_t thread, other;
    sigset_t before;
    int status;
    struct rusage usage;
    end = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(end != MAP_FAILED);
    main_thread = pthread_self();
    CHECK(pthread_create(&thread, NULL, stay, NULL) == 0);
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &before) == 0);
    // The library may open its report at the first fork.
    *end = 1;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
    int open = descriptors();

    step = "a handler without SA_RESTART ends the wait";
    handle(SIGALRM, on_alarm, 0);
    child = child_that_waits(7);
    other = while_main_waits(&interrupted);
    FAILS(EINTR, waitpid(child, &status, 0));
    CHECK(handled == 1 && pthread_join(other, NULL) == 0);
    blocked_is_as_before(&before);

    step = "with SA_RESTART it goes on, and the status is the child's";
    handle(SIGALRM, on_alarm, SA_RESTART);
    other = while_main_waits(&both);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7 && handled == 1);
    CHECK(pthread_join(other, NULL) == 0);
    FAILS(ECHILD, waitpid(child, &status, 0));
    blocked_is_as_before(&before);

    step = "for longer than a look, interrupted often";
    handled = 0;
    handle(SIGALRM, on_alarm, 0);
    child = child_that_waits(8);
    alarm_in(300, 300);
    for (int round = 1; round <= 8; round++) {
        int by_now = handled;
        FAILS(EINTR, wait4(child, &status, 0, &usage));
        CHECK(handled > by_now);
    }
    alarm_in(0, 0);
    *end = 1;
    CHECK(wait4(child, &status, 0, &usage) == child && WEXITSTATUS(status) == 8);

    step = "a child's signal comes after the wait for it";
    handle(SIGCHLD, reap_any, 0);
    child = child_that_waits(9);
    other = while_main_waits(&ended);
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 9 && reaped == 0);
    CHECK(pthread_join(other, NULL) == 0);
    handle(SIGCHLD, SIG_DFL, 0);

    step = "killed";
    handle(SIGALRM, on_alarm, SA_RESTART);
    child = child_that_waits(10);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

    step = "a thread is cancelled in it";
    pthread_t waiter;
    void *result;
    child = child_that_waits(11);
    CHECK(pthread_create(&waiter, NULL, cancelled, &child) == 0);
    brief_pause();
    CHECK(pthread_cancel(waiter) == 0);
    CHECK(pthread_join(waiter, &result) == 0 && result == PTHREAD_CANCELED);
    *end = 1;
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 11);

    step = "ignored children";
    handle(SIGCHLD, SIG_IGN, 0);
    child = child_that_waits(12);
    *end = 1;
    FAILS(ECHILD, waitpid(child, &status, 0));
    handle(SIGCHLD, SIG_DFL, 0);

    step = "nothing stays open";
    CHECK(descriptors() == open);
    blocked_is_as_before(&before);
    puts("as ever");
    return 0;
}
