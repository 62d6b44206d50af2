// The child waits until its handler of SIGTERM posts the semaphore: at most a warning, for a handler of the application may end it.
// EXPECT: thread-lost count=1
// EXPECT-NO-EVENT: finding severity=error
#include "../../process.h"
#include <semaphore.h>

static sem_t semaphore;

static void handle(int signal_number) {
    (void)signal_number;
    sem_post(&semaphore);
}

int main(void) {
    CHECK(sem_init(&semaphore, 0, 0) == 0);
    CHECK(sigaction(SIGTERM, &(struct sigaction){.sa_handler = handle, .sa_flags = SA_RESTART}, NULL) == 0);
    start_worker(stay_idle);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        while (sem_wait(&semaphore) != 0)
            CHECK(errno == EINTR);
        _exit(0);
    }
    until_blocked_in(SYS_futex, child);
    CHECK(kill(child, SIGTERM) == 0);
    EXITED(child, 0);
    return 0;
}
