// Locks that other processes have at the same time, and that are right so: each worker has the file open by itself; two readers; a lock that a
// family of processes holds as long as one of them lives; one whose taker has ended; a worker that takes the lock after the other has released it.
// EXPECT-NOT: lock-file-shared severity=error
// STDERR-NOT: lock-file-shared
#include "fixture.h"

static int taken[2], done[2];

static void tell(int end) {
    char byte = 0;
    CHECK(write(end, &byte, 1) == 1);
}

static void await(int end) {
    char byte;
    CHECK(read(end, &byte, 1) == 1);
}

static void run(void (*one)(void), void (*other)(void)) {
    pid_t first = start_working_child(one), second = start_working_child(other);
    EXITED(first, 0);
    EXITED(second, 0);
}

static void has_own(void) {
    int own = open("lock.pid", O_RDWR | O_CLOEXEC);
    CHECK(own >= 0 && flock(own, LOCK_EX) == 0 && flock(own, LOCK_UN) == 0);
}

static void reads_first(void) {
    CHECK(flock(file, LOCK_SH) == 0);
    tell(taken[1]);
    await(done[0]);
    CHECK(flock(file, LOCK_UN) == 0);
}

static void reads_second(void) {
    await(taken[0]);
    CHECK(flock(file, LOCK_SH) == 0 && flock(file, LOCK_UN) == 0);
    tell(done[1]);
}

static void holds_first(void) {
    CHECK(flock(file, LOCK_EX) == 0);
    tell(taken[1]);
    await(done[0]);
}

static void holds_second(void) {
    await(taken[0]);
    CHECK(flock(file, LOCK_EX | LOCK_NB) == 0);
    tell(done[1]);
}

static void takes_first(void) {
    CHECK(flock(file, LOCK_EX) == 0 && flock(file, LOCK_UN) == 0);
    tell(taken[1]);
}

static void takes_second(void) {
    await(taken[0]);
    CHECK(flock(file, LOCK_EX) == 0 && flock(file, LOCK_UN) == 0);
}

static void takes_and_ends(void) {
    CHECK(flock(file, LOCK_EX) == 0);
}

static void takes_over(void) {
    CHECK(flock(file, LOCK_EX) == 0 && flock(file, LOCK_UN) == 0);
}

int main(void) {
    file = open("lock.pid", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(file >= 0 && pipe(taken) == 0 && pipe(done) == 0);
    run(has_own, has_own);
    run(reads_first, reads_second);
    run(takes_first, takes_second);
    run(holds_first, holds_second);
    CHECK(flock(file, LOCK_UN) == 0);
    EXITED(start_working_child(takes_and_ends), 0);
    EXITED(start_working_child(takes_over), 0);
    return 0;
}
