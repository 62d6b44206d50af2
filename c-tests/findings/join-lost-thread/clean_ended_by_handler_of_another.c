// A thread of the child waits for a semaphore, then for a futex, that a signal handler gives; the main thread joins it.
// EXPECT: thread-lost count=1
// EXPECT-NO-EVENT: finding severity=error
// EXPECT-NO-EVENT: finding-state state=hit
#include "../../process.h"
#include <linux/futex.h>
#include <semaphore.h>
#include <sys/mman.h>

static sem_t semaphore;
static atomic_int word;

static void give(int number) {
    (void)number;
    word = 1;
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    sem_post(&semaphore);
}

static void *take(void *unused) {
    worker_tid = gettid();
    while (sem_wait(&semaphore) != 0)
        CHECK(errno == EINTR);
    return unused;
}

static void *look(void *unused) {
    worker_tid = gettid();
    while (word == 0)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return unused;
}

// How many waits the child has begun.
static atomic_int *begun;

static void serve(void) {
    void *(*const bodies[])(void *) = {take, look};
    struct sigaction action = {.sa_handler = give, .sa_flags = SA_RESTART};
    CHECK(sem_init(&semaphore, 0, 0) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
    for (int turn = 0; turn < 2; turn++) {
        word = worker_tid = 0;
        pthread_t thread = start_worker_blocked_in(SYS_futex, bodies[turn]);
        ++*begun;
        CHECK(pthread_join(thread, NULL) == 0);
    }
    // The main thread itself.
    word = 0;
    ++*begun;
    look(NULL);
}

int main(void) {
    begun = mmap(NULL, sizeof *begun, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(begun != MAP_FAILED);
    start_worker(stay_idle);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        serve();
        live();
    }
    for (int turn = 1; turn <= 3; turn++) {
        EVENTUALLY(*begun == turn);
        until_blocked_in(SYS_futex, child);
        CHECK(kill(child, SIGUSR1) == 0);
    }
    EXITED(child, 0);
    return 0;
}
