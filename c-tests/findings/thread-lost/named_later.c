// A thread without a name at the fork, which it gives itself afterwards in the leader: the child's summary has it, and the
// report tells it once more.
// EXPECT: thread-lost count=2
// EXPECT: thread-lost subject~late count=1
// STDERR: thread "late"
#include "../../process.h"
#include <sys/mman.h>

static atomic_int *turn;

static void *work(void *unused) {
    (void)unused;
    while (*turn == 0)
        brief_pause();
    CHECK(pthread_setname_np(pthread_self(), "late") == 0);
    *turn = 2;
    return stay_idle(NULL);
}

int main(void) {
    turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(turn != MAP_FAILED);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        while (*turn != 2)
            sched_yield();
        live();
    }
    *turn = 1;
    EXITED(child, 0);
    _exit(0);
}
