// ENV: FORKGUARD_THREADS=revive:wor*,other
// A detached thread is started again detached, by its name.
// EXPECT-EVENT: child cures=[guard=threads,subject~worker]
// EXPECT-LAST: thread-lost resolved because~forkguard count=1
#include "fixture.h"

static pthread_t self;

static void *serve_detached(void *argument) {
    self = pthread_self();
    return serve(argument);
}

static void ask_the_detached(void) {
    ask();
    pthread_attr_t attributes;
    int state;
    CHECK(pthread_getattr_np(self, &attributes) == 0);
    CHECK(pthread_attr_getdetachstate(&attributes, &state) == 0 && state == PTHREAD_CREATE_DETACHED);
}

int main(void) {
    pthread_attr_t detached;
    CHECK(pthread_attr_init(&detached) == 0);
    CHECK(pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED) == 0);
    CHECK(forkguard_mark_thread_restartable && forkguard_mark_thread_restartable(start_server(serve_detached, &detached)) == 0);
    fork_working_child(ask_the_detached);
    return 0;
}
