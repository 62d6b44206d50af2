// The child joins a thread of its leader: glibc 2.43 and newer wait for ever.
// GLIBC: 2.43 does not mark the threads that a fork loses as ended
// EXPECT: join-lost-thread severity=error state=hit subject~worker count=1
// EXPECT-LAST: join-lost-thread hit count=1
// EXPECT-LAST: thread-lost hit count=1
#include "../../process.h"

static pthread_t worker;

static void join(void) {
    pthread_join(worker, NULL);
}

int main(void) {
    worker = start_worker(stay_idle);
    fork_hanging_child("join-lost-thread", join);
    _exit(0);
}
