// ENV: FORKGUARD_MEMORY=trim
// ENV: MALLOC_CONF=dirty_decay_ms:-1
// LIBS: -l:libjemalloc.so.2
// Another thread allocates and the one that forks holds a lock: neither waits for the other.
// EXPECT-EVENT: child cures=[guard=memory,action~'given back',subject~kB]
#include "fixture.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool is_done, has_begun;

static void *allocate(void *unused) {
    for (size_t size = 1; !is_done; size = size % (1 << 20) + 4099) {
        char *block = malloc(size);
        CHECK(block);
        block[size - 1] = 1;
        free(block);
        has_begun = true;
    }
    return unused;
}

int main(void) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, allocate, NULL) == 0);
    EVENTUALLY(has_begun);
    CHECK(pthread_mutex_lock(&lock) == 0);
    fork_after_freeing(has_less);
    CHECK(pthread_mutex_unlock(&lock) == 0);
    is_done = true;
    CHECK(pthread_join(thread, NULL) == 0);
    return 0;
}
