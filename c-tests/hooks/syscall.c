// syscall: every argument arrives; futex waits, wakes and moves as the kernel does it.
#include "driver.h"
#include <linux/futex.h>
#include <sys/eventfd.h>

static long futex(atomic_int *word, int operation, int value, const struct timespec *timeout) {
    return syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, timeout, NULL, FUTEX_BITSET_MATCH_ANY);
}

SAFE_SNIPPET(six_arguments) {
    KEEPS_ERRNO(syscall(SYS_getpid) == getpid());
    char *memory = (char *)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    memory[4095] = 1;
    CHECK(syscall(SYS_munmap, memory, 4096) == 0);
    FAILS(EBADF, syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_PRIVATE, -1, 0));
    FAILS(EINVAL, syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1));
    FAILS(ENOSYS, syscall(999999));
    int fd = (int)syscall(SYS_eventfd2, 7, EFD_NONBLOCK);
    uint64_t value = 0;
    CHECK(fd >= 0 && syscall(SYS_read, fd, &value, 8) == 8 && value == 7);
    FAILS(EAGAIN, syscall(SYS_read, fd, &value, 8));
    CHECK(close(fd) == 0);
}

SAFE_SNIPPET(futex_results) {
    atomic_int word = 1;
    struct timespec soon = {.tv_nsec = 1000000}, late = from_now(CLOCK_MONOTONIC, 1), bad = {.tv_nsec = -1};
    FAILS(EAGAIN, futex(&word, FUTEX_WAIT, 2, NULL));
    FAILS(EAGAIN, futex(&word, FUTEX_WAIT_BITSET, 2, NULL));
    FAILS(ETIMEDOUT, futex(&word, FUTEX_WAIT, 1, &soon));
    FAILS(ETIMEDOUT, futex(&word, FUTEX_WAIT_BITSET, 1, &late));
    FAILS(EINVAL, futex(&word, FUTEX_WAIT, 1, &bad));
    FAILS(EFAULT, futex((atomic_int *)64, FUTEX_WAIT, 1, NULL));
    FAILS(EINVAL, futex((atomic_int *)((char *)&word + 1), FUTEX_WAIT, 1, NULL));
    FAILS(EINVAL, syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 0));
    FAILS(ENOSYS, futex(&word, 99, 1, NULL));
    KEEPS_ERRNO(futex(&word, FUTEX_WAKE, 1, NULL) == 0);
    CHECK(word == 1);
}

struct waiter {
    atomic_int *word;
    atomic_bool waits;
};

static void *wait_until_changed(void *argument) {
    struct waiter *waiter = argument;
    waiter->waits = true;
    while (*waiter->word == 0) {
        errno = 0;
        CHECK(futex(waiter->word, FUTEX_WAIT_BITSET, 0, NULL) == 0 || errno == EAGAIN);
    }
    return NULL;
}

SNIPPET(futex_woken) {
    atomic_int word = 0;
    struct waiter waiter = {&word, false};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wait_until_changed, &waiter) == 0);
    EVENTUALLY(waiter.waits);
    word = 1;
    CHECK(futex(&word, FUTEX_WAKE, 1, NULL) <= 1);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void *wait_once(void *argument) {
    struct waiter *waiter = argument;
    waiter->waits = true;
    CHECK(futex(waiter->word, FUTEX_WAIT, 0, NULL) == 0);
    return NULL;
}

// The only call with six meaningful arguments: the waiter moves to another word.
SNIPPET(futex_moved) {
    atomic_int word = 0, other = 0;
    struct waiter waiter = {&word, false};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, wait_once, &waiter) == 0);
    EVENTUALLY(waiter.waits);
    FAILS(EAGAIN, syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 0, 1L, &other, 77));
    EVENTUALLY(syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 0, 1L, &other, 0) == 1);
    CHECK(futex(&word, FUTEX_WAKE, 1, NULL) == 0);
    CHECK(futex(&other, FUTEX_WAKE, 1, NULL) == 1);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void do_nothing(int signal_number) {
    (void)signal_number;
}

struct interrupted {
    atomic_int word;
    long result;
    int error;
    atomic_bool done;
};

static void *wait_interrupted(void *argument) {
    struct interrupted *interrupted = argument;
    interrupted->result = futex(&interrupted->word, FUTEX_WAIT, 0, NULL);
    interrupted->error = errno;
    interrupted->done = true;
    return NULL;
}

SNIPPET(futex_interrupted) {
    struct interrupted interrupted = {0};
    struct sigaction action = {.sa_handler = do_nothing}, old;
    pthread_t thread;
    CHECK(sigaction(SIGUSR1, &action, &old) == 0);
    CHECK(pthread_create(&thread, NULL, wait_interrupted, &interrupted) == 0);
    while (!interrupted.done) {
        CHECK(pthread_kill(thread, SIGUSR1) == 0);
        brief_pause();
    }
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(interrupted.result == -1 && interrupted.error == EINTR);
    CHECK(sigaction(SIGUSR1, &old, NULL) == 0);
}
