// All keys of thread-specific data are the program's: the first one is 0, and PTHREAD_KEYS_MAX are to be had.
// WITHOUT: jemalloc (it takes a key itself)
// GLIBC: 2.34 takes no key itself; before, the first dlsym of a process does, whoever calls it
// REPORT: none (it makes no process)
#include "../../check.h"
#include <limits.h>

int main(void) {
    pthread_key_t key;
    for (unsigned next = 0; next < PTHREAD_KEYS_MAX; next++)
        CHECK(pthread_key_create(&key, NULL) == 0 && key == next);
    CHECK(pthread_key_create(&key, NULL) == EAGAIN);
    puts("all keys");
    return 0;
}
