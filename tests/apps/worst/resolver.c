// A thread keeps an eye on a service by its name; the worker connects by name, too. Right: a lock of the program's own around both, taken at forks.
#include "prefork.h"
#include <netdb.h>

static pthread_mutex_t resolver_lock = PTHREAD_MUTEX_INITIALIZER;
static int is_right;

static void lock_resolver(void) {
    pthread_mutex_lock(&resolver_lock);
}

static void unlock_resolver(void) {
    pthread_mutex_unlock(&resolver_lock);
}

static void watch_service(void) {
    if (is_right) {
        lock_resolver();
    }
    CHECK(gethostbyname("localhost") != NULL); // # thread
    if (is_right) {
        unlock_resolver();
    }
}

static void connect_to_service(void) {
    if (is_right) {
        lock_resolver();
    }
    CHECK(gethostbyname("localhost") != NULL); // # worker
    if (is_right) {
        unlock_resolver();
    }
}

int main(int count, char **arguments) {
    (void)arguments;
    is_right = count > 1;
    if (is_right) {
        CHECK(pthread_atfork(lock_resolver, unlock_resolver, unlock_resolver) == 0);
    }
    work_beside("watch-service", watch_service);
    return fork_worker(connect_to_service);
}
