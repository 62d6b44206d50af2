// A fork storm: threads that lock, post, make threads, open and close while the main thread forks without pause. Every child must
// end well (what a child of a process with threads may do: it _exits, or, every hundredth, execs), and the leader must not grow.
//
// STORM_FORKS: how many (default 20000). Prints the growth that it measured.
#include "../check.h"
#include <fcntl.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

enum { THREADS = 16, WARM_UP = 1000, IN_FLIGHT = 16, GROWTH_KB = 1024 };

static pthread_mutex_t mutexes[4] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP,
                                     PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP, PTHREAD_MUTEX_INITIALIZER};
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore;
static atomic_bool stop;

static void *ends_at_once(void *unused) {
    return unused;
}

static void lock_and_release(unsigned round) {
    pthread_mutex_t *mutex = &mutexes[round % 4];
    CHECK(pthread_mutex_lock(mutex) == 0);
    CHECK(sem_wait(&semaphore) == 0);
    CHECK((round % 8 ? pthread_rwlock_rdlock(&rwlock) : pthread_rwlock_wrlock(&rwlock)) == 0);
    CHECK(pthread_rwlock_unlock(&rwlock) == 0);
    CHECK(sem_post(&semaphore) == 0);
    CHECK(pthread_mutex_unlock(mutex) == 0);
}

static void open_and_close(unsigned round) {
    int fd = round % 2 ? eventfd(0, EFD_CLOEXEC) : open("/dev/null", O_RDONLY | O_CLOEXEC), copy = dup(fd);
    CHECK(fd >= 0 && copy >= 0 && close(fd) == 0 && close(copy) == 0);
}

static void *churn(void *seed) {
    for (unsigned round = (unsigned)(uintptr_t)seed; !stop; round++) {
        lock_and_release(round);
        if (round % 16 == 0)
            open_and_close(round / 16);
        if (round % 64 == 0)
            in_thread(ends_at_once, NULL);
        if (round % 4 == 0)
            brief_pause();
    }
    return NULL;
}

static long status_kb(const char *key) {
    char line[128];
    long kb = -1;
    size_t length = strlen(key);
    FILE *stream = fopen("/proc/self/status", "re");
    CHECK(stream != NULL);
    while (fgets(line, sizeof line, stream)) {
        if (strncmp(line, key, length) == 0)
            kb = atol(line + length);
    }
    fclose(stream);
    CHECK(kb > 0);
    return kb;
}

static void reap_one(void) {
    int status;
    CHECK(wait(&status) > 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void fork_many(long count) {
    long running = 0;
    for (long index = 0; index < count; index++) {
        if (running == IN_FLIGHT) {
            reap_one();
            running--;
        }
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            if (index % 100 == 0)
                execl("/bin/true", "true", (char *)NULL);
            _exit(index % 100 == 0);
        }
        running++;
    }
    while (running-- > 0)
        reap_one();
}

int main(void) {
    pthread_t threads[THREADS];
    const char *given = getenv("STORM_FORKS");
    long forks = given ? atol(given) : 20000;
    CHECK(forks > 2 * WARM_UP);
    CHECK(sem_init(&semaphore, 0, 3) == 0);
    // Small stacks: how many are mapped at the moment of measuring must not matter.
    pthread_attr_t attributes;
    CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, 64 << 10) == 0);
    CHECK(pthread_setattr_default_np(&attributes) == 0);
    for (uintptr_t index = 0; index < THREADS; index++)
        CHECK(pthread_create(&threads[index], NULL, churn, (void *)(index * 7)) == 0);
    fork_many(WARM_UP);
    long resident = status_kb("VmRSS:"), data = status_kb("VmData:");
    fork_many(forks - WARM_UP);
    long more_resident = status_kb("VmRSS:") - resident, more_data = status_kb("VmData:") - data;
    stop = true;
    for (int index = 0; index < THREADS; index++)
        CHECK(pthread_join(threads[index], NULL) == 0);
    printf("%ld forks; resident %+ld kB, data %+ld kB\n", forks, more_resident, more_data);
    CHECK(more_resident < GROWTH_KB);
    CHECK(more_data < 4 * GROWTH_KB);
    return 0;
}
