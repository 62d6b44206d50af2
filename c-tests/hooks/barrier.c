// pthread_barrier_wait: who comes last, rounds, processes that share one; errors.
#include "driver.h"

struct meeting {
    pthread_barrier_t barrier;
    atomic_int came, last;
};

static void meet(struct meeting *meeting) {
    meeting->came++;
    errno = 4711;
    int result = pthread_barrier_wait(&meeting->barrier);
    CHECK(errno == 4711);
    CHECK(result == 0 || result == PTHREAD_BARRIER_SERIAL_THREAD);
    meeting->last += result == PTHREAD_BARRIER_SERIAL_THREAD;
}

static void *meet_thrice(void *meeting) {
    for (int round = 0; round < 3; round++)
        meet(meeting);
    return NULL;
}

SNIPPET(rounds) {
    struct meeting meeting = {0};
    pthread_t threads[3];
    CHECK(pthread_barrier_init(&meeting.barrier, NULL, 4) == 0);
    for (int index = 0; index < 3; index++)
        CHECK(pthread_create(&threads[index], NULL, meet_thrice, &meeting) == 0);
    meet_thrice(&meeting);
    for (int index = 0; index < 3; index++)
        CHECK(pthread_join(threads[index], NULL) == 0);
    CHECK(meeting.came == 12 && meeting.last == 3);
    CHECK(pthread_barrier_destroy(&meeting.barrier) == 0);
}

SAFE_SNIPPET(of_one) {
    pthread_barrier_t barrier;
    CHECK(pthread_barrier_init(&barrier, NULL, 0) == EINVAL);
    CHECK(pthread_barrier_init(&barrier, NULL, 1) == 0);
    CHECK(pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD);
    CHECK(pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD);
    CHECK(pthread_barrier_destroy(&barrier) == 0);
}

SNIPPET(between_processes) {
    struct meeting *meeting = mmap(NULL, sizeof *meeting, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_barrierattr_t shared;
    CHECK(meeting != MAP_FAILED);
    CHECK(pthread_barrierattr_init(&shared) == 0 && pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_barrier_init(&meeting->barrier, &shared, 2) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    meet_thrice(meeting);
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
    CHECK(meeting->came == 6 && meeting->last == 3);
    CHECK(pthread_barrier_destroy(&meeting->barrier) == 0 && munmap(meeting, sizeof *meeting) == 0);
}
