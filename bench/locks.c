// locks KIND MODE ROUNDS: nanoseconds of an uncontended lock and unlock.
// MODE: threaded or single (with a second thread or never one), child or worker (forked by such a one).
// locks KIND MODE step PAIRS: the same between two breakpoints, for `steps` to count the instructions.
#include "bench.h"
#include <semaphore.h>
#include <sys/wait.h>
#include <threads.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static sem_t semaphore;
static mtx_t c11;

#define PAIR(name, take, give)          \
    static void name(long count) {      \
        while (count--) {               \
            take;                       \
            give;                       \
        }                               \
    }
PAIR(mutex_pair, pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex))
PAIR(recursive_pair, pthread_mutex_lock(&recursive), pthread_mutex_unlock(&recursive))
PAIR(semaphore_pair, sem_wait(&semaphore), sem_post(&semaphore))
PAIR(read_pair, pthread_rwlock_rdlock(&rwlock), pthread_rwlock_unlock(&rwlock))
PAIR(write_pair, pthread_rwlock_wrlock(&rwlock), pthread_rwlock_unlock(&rwlock))
PAIR(spin_pair, pthread_spin_lock(&spin), pthread_spin_unlock(&spin))
PAIR(c11_pair, mtx_lock(&c11), mtx_unlock(&c11))

static const struct {
    const char *name;
    void (*pair)(long);
} KINDS[] = {
    {"mutex", mutex_pair},    {"recursive", recursive_pair}, {"semaphore", semaphore_pair}, {"rwlock-read", read_pair},
    {"rwlock-write", write_pair}, {"spin", spin_pair},       {"c11", c11_pair},
};

static void measure(void (*pair)(long), int argc, char **argv) {
    pair(1000);
    if (strcmp(argv[3], "step") == 0) {
        long pairs = argument(argc, argv, 4, 100);
        __asm__ volatile("int3");
        pair(pairs);
        __asm__ volatile("int3");
    } else {
        print_figure(fastest(pair, 100000, argument(argc, argv, 3, 15)));
    }
}

int main(int argc, char **argv) {
    must(argc >= 4, "usage: locks KIND threaded|single|child|worker ROUNDS|step [PAIRS]");
    pin();
    sem_init(&semaphore, 0, 1);
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    must(mtx_init(&c11, mtx_plain) == thrd_success, "mtx_init");
    void (*pair)(long) = NULL;
    for (size_t kind = 0; kind < sizeof KINDS / sizeof *KINDS; kind++)
        if (strcmp(argv[1], KINDS[kind].name) == 0)
            pair = KINDS[kind].pair;
    must(pair != NULL, argv[1]);

    int threaded = strcmp(argv[2], "threaded") == 0 || strcmp(argv[2], "child") == 0;
    if (threaded)
        start_sleepers(1);
    if (strcmp(argv[2], "threaded") == 0 || strcmp(argv[2], "single") == 0) {
        measure(pair, argc, argv);
        return 0;
    }
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        measure(pair, argc, argv);
        _exit(0);
    }
    int status;
    must(waitpid(child, &status, 0) == child && status == 0, "the child");
    return 0;
}
