// Children whose waits are long and do end: no finding, however often their leader examines them.
// EXPECT-NOT: join-lost-thread
// EXPECT-NOT: lock-deadlock
// STDERR-NOT: error
#include "idle.h"
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/time.h>

static atomic_int word;
static sem_t posted;
static atomic_int *shared;
static char *self;

// With a time limit, again and again.
static void limited(void) {
    for (;;)
        wait_inline(&word, &(struct timespec){.tv_sec = 20});
}

// For its own thread.
static void for_own_thread(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, stay_idle, NULL) == 0);
    wait_inline(&word, NULL);
}

// For another process.
static void for_leader(void) {
    while (*shared == 0)
        syscall(SYS_futex, shared, FUTEX_WAIT, 0, NULL);
}

static void post(int signal) {
    (void)signal;
    sem_post(&posted);
}

// For a signal, whose handler posts: a hook looks at this wait, and leaves word of it.
static void for_signal(void) {
    signal(SIGTERM, post);
    while (sem_wait(&posted) != 0)
        CHECK(errno == EINTR);
}

static void nothing(int signal) {
    (void)signal;
}

// Not for long at a time.
static void in_short(void) {
    signal(SIGALRM, nothing);
    struct itimerval often = {.it_interval = {.tv_usec = 200000}, .it_value = {.tv_usec = 200000}};
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    wait_inline(&word, NULL);
}

// As another program of the same file, past the hooks of exec.
static void as_program(void) {
    char *arguments[] = {self, "waits", NULL};
    extern char **environ;
    syscall(SYS_execve, self, arguments, environ);
}

int main(int count, char **arguments) {
    static void (*const bodies[])(void) = {limited, for_own_thread, for_leader, for_signal, in_short, as_program};
    enum { CHILDREN = sizeof bodies / sizeof *bodies };
    pid_t children[CHILDREN];
    if (count > 1)
        wait_inline(&word, NULL);
    self = arguments[0];
    CHECK(sem_init(&posted, 0, 0) == 0);
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    start_worker(stay_idle);
    for (int index = 0; index < CHILDREN; index++) {
        CHECK((children[index] = fork()) >= 0);
        if (children[index] == 0) {
            bodies[index]();
            CHECK(!"came back");
        }
    }
    idle_for(45);
    for (int index = 0; index < CHILDREN; index++) {
        CHECK(kill(children[index], SIGKILL) == 0);
        CHECK(WIFSIGNALED(status_of(children[index])));
    }
    return 0;
}
