// A thread of the child leaves its wait by a jump out of a signal handler, and waits for work from then on: another thread's wait is not
// in vain.
// EXPECT: thread-lost count=1
// EXPECT-NO-EVENT: finding severity=error
#include "../../process.h"
#include <semaphore.h>
#include <setjmp.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t semaphore;
static sigjmp_buf way_out;
static bool given;
static int work[2], told[2];
static pid_t main_tid;

static void jump(int signal_number) {
    (void)signal_number;
    siglongjmp(way_out, 1);
}

static void *wait_while_main_polls(void *unused) {
    until_blocked_in(SYS_poll, main_tid);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    pid_t own = gettid();
    CHECK(write(told[1], &own, sizeof own) == sizeof own);
    while (!given)
        CHECK(pthread_cond_wait(&condition, &mutex) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
    return unused;
}

static void serve(void) {
    pthread_t thread;
    char byte;
    main_tid = getpid();
    CHECK(signal(SIGUSR1, jump) == SIG_DFL);
    if (sigsetjmp(way_out, 1) == 0) {
        CHECK(sem_wait(&semaphore) == 0);
        CHECK(!"came back");
    }
    CHECK(signal(SIGUSR1, SIG_DFL) == jump);
    CHECK(pthread_create(&thread, NULL, wait_while_main_polls, NULL) == 0);
    CHECK(poll(&(struct pollfd){.fd = work[0], .events = POLLIN}, 1, -1) == 1 && read(work[0], &byte, 1) == 1);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    given = true;
    CHECK(pthread_cond_signal(&condition) == 0 && pthread_mutex_unlock(&mutex) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

int main(void) {
    CHECK(pipe(work) == 0 && pipe(told) == 0 && sem_init(&semaphore, 0, 0) == 0);
    start_worker(stay_idle);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        serve();
        live();
    }
    until_blocked_in(SYS_futex, child);
    CHECK(kill(child, SIGUSR1) == 0);
    pid_t waiter;
    CHECK(read(told[0], &waiter, sizeof waiter) == sizeof waiter);
    until_blocked_in(SYS_futex, waiter);
    CHECK(write(work[1], "w", 1) == 1);
    EXITED(child, 0);
    return 0;
}
