// FORKGUARD_LOCKS=reset: read-write locks lose their lost holders and those who waited; the forking thread's own share stays.
// ENV: FORKGUARD_LOCKS=reset
// EXPECT: lock-orphaned state=open count=4
// EXPECT-NOT: lock-deadlock
// EXPECT-LAST: lock-orphaned resolved because~'forkguard reset it' count=4
#include "../../process.h"

static pthread_rwlock_t written = PTHREAD_RWLOCK_INITIALIZER, read_twice = PTHREAD_RWLOCK_INITIALIZER;
static pthread_rwlock_t read_by_all = PTHREAD_RWLOCK_INITIALIZER, awaited = PTHREAD_RWLOCK_INITIALIZER;

static void *reads(void *unused) {
    (void)unused;
    CHECK(pthread_rwlock_rdlock(&read_twice) == 0);
    stay();
}

static void *reads_and_writes(void *unused) {
    (void)unused;
    CHECK(pthread_rwlock_wrlock(&written) == 0);
    CHECK(pthread_rwlock_rdlock(&read_twice) == 0 && pthread_rwlock_rdlock(&read_by_all) == 0);
    stay();
}

static void *waits_to_read(void *unused) {
    worker_tid = gettid();
    pthread_rwlock_rdlock(&written);
    return unused;
}

static void *waits_to_write(void *unused) {
    worker_tid = gettid();
    pthread_rwlock_wrlock(&awaited);
    return unused;
}

static void use(pthread_rwlock_t *lock) {
    CHECK(pthread_rwlock_wrlock(lock) == 0 && pthread_rwlock_tryrdlock(lock) == EBUSY && pthread_rwlock_unlock(lock) == 0);
    CHECK(pthread_rwlock_rdlock(lock) == 0 && pthread_rwlock_trywrlock(lock) == EBUSY && pthread_rwlock_unlock(lock) == 0);
    CHECK(pthread_rwlock_trywrlock(lock) == 0 && pthread_rwlock_unlock(lock) == 0);
}

static void child_body(void) {
    use(&written);
    use(&read_twice);
    CHECK(pthread_rwlock_trywrlock(&read_by_all) == EBUSY && pthread_rwlock_unlock(&read_by_all) == 0);
    use(&read_by_all);
    CHECK(pthread_rwlock_unlock(&awaited) == 0);
    use(&awaited);
}

int main(void) {
    // Before there is a second thread nothing is recorded: the lock itself still knows.
    CHECK(pthread_rwlock_rdlock(&read_by_all) == 0 && pthread_rwlock_rdlock(&awaited) == 0);
    start_worker(reads);
    start_worker(reads_and_writes);
    start_worker_blocked_in(SYS_futex, waits_to_read);
    worker_tid = 0;
    start_worker_blocked_in(SYS_futex, waits_to_write);
    fork_working_child(child_body);
    return 0;
}
