/* A leader in a call that crosses no symbol, and a child for each argument: it waits for a word that a lost thread was to change (inlined: "word"), for
   a semaphore that its handler posts ("handler"), for a request ("idle"), or for one while a pool of its own waits for work ("pool"). */
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int word;
static sem_t work;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static int requests[2];

static inline __attribute__((always_inline)) long call(long number, void *first, long second, long third) {
    long result;
    register long fourth __asm__("r10") = 0;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(first), "S"(second), "d"(third), "r"(fourth) : "rcx", "r11", "memory");
    return result;
}

static void *idle(void *unused) {
    pthread_mutex_lock(&lock);
    for (;;)
        pthread_cond_wait(&more, &lock);
    return unused;
}

__attribute__((noinline)) static void join_pool(void) {
    while (!__atomic_load_n(&word, __ATOMIC_ACQUIRE))
        call(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0); // # waits
}

static void post(int signal) {
    (void)signal;
    sem_post(&work);
}

static void serve(const char *how) {
    char byte;
    pthread_t thread;
    if (!strcmp(how, "word"))
        join_pool();
    if (!strcmp(how, "handler")) {
        signal(SIGTERM, post);
        while (sem_wait(&work))
            continue;
    }
    if (!strcmp(how, "pool")) {
        pthread_create(&thread, NULL, idle, NULL);
        pthread_create(&thread, NULL, idle, NULL);
    }
    if (read(requests[0], &byte, 1) != 1)
        _exit(1);
}

int main(int count, char **arguments) {
    pthread_t thread;
    if (pipe(requests) || sem_init(&work, 0, 0) || pthread_create(&thread, NULL, idle, NULL))
        return 1;
    for (int child = 1; child < count; child++)
        if (fork() == 0) {
            serve(arguments[child]);
            _exit(0);
        }
    for (;;)
        call(SYS_pause, NULL, 0, 0);
}
