// The executable brings its own malloc, which locks a mutex in every call and registers atfork handlers with that lock held, at
// its first call: whoever resolves or registers anything by allocating deadlocks here.
#include "../../check.h"
#include <stdatomic.h>

static char pool[64 << 20] __attribute__((aligned(16)));
static size_t used;
static bool initialised;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void lock(void) {
    pthread_mutex_lock(&mutex);
}

static void unlock(void) {
    pthread_mutex_unlock(&mutex);
}

void *malloc(size_t size) {
    lock();
    if (!initialised) {
        initialised = true;
        pthread_atfork(lock, unlock, unlock);
    }
    size_t start = used + 16;
    used = start + ((size + 15) & ~(size_t)15);
    if (used > sizeof pool)
        abort();
    *(size_t *)(pool + start - 16) = size;
    unlock();
    return pool + start;
}

void free(void *block) {
    (void)block;
}

void *calloc(size_t count, size_t size) {
    return malloc(count * size);
}

void *realloc(void *block, size_t size) {
    void *new = malloc(size);
    if (block) {
        size_t old = ((size_t *)block)[-2];
        memcpy(new, block, old < size ? old : size);
    }
    return new;
}

static void *allocate(void *unused) {
    CHECK(malloc(100) != NULL);
    return unused;
}

static void child(void *unused) {
    CHECK(malloc(100) != NULL);
    in_thread(allocate, unused);
}

int main(void) {
    for (int round = 0; round < 20; round++) {
        in_thread(allocate, NULL);
        in_child(child, NULL);
    }
    puts("own malloc served");
    return 0;
}
