// Another thread forks: main is among the lost, and is none to start again.
// EXPECT: thread-lost severity=info
// EXPECT-EVENT: fork threads=[name=forker,forking=true]
// EXPECT-EVENT: fork threads=[forking=false]
#include "../../process.h"

static void *body(void *unused) {
    pthread_setname_np(pthread_self(), "forker");
    fork_living_child();
    return unused;
}

int main(void) {
    in_thread(body, NULL);
    return 0;
}
