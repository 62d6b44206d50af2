// Threads begin and end during the forks, all of them through the hooks: none is taken for one that no hook saw.
// EXPECT-NO-EVENT: fork threads=[recorded=false]
// EXPECT-EVENT: fork kind=fork detail=full count=60
#include "../../process.h"

static atomic_bool stop;
static atomic_int ended;

static void *nothing(void *unused) {
    return unused;
}

static void *come_and_go(void *unused) {
    while (!stop) {
        in_thread(nothing, NULL);
        ended++;
    }
    return unused;
}

int main(void) {
    pthread_t threads[2];
    for (int index = 0; index < 2; index++)
        CHECK(pthread_create(&threads[index], NULL, come_and_go, NULL) == 0);
    for (int round = 0; round < 60; round++) {
        int before = ended;
        EVENTUALLY(ended != before);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            _exit(0);
        EXITED(child, 0);
    }
    stop = true;
    for (int index = 0; index < 2; index++)
        CHECK(pthread_join(threads[index], NULL) == 0);
    return 0;
}
