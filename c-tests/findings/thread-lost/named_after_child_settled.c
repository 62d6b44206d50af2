// A thread without a name at the fork, which it gives itself when the child has reported already, twice as MRI does: the leader reports it once
// more under each name. It had not begun to run or had: both are the same.
// EXPECT: thread-lost count=3
// EXPECT: thread-lost state=open severity=warning subject~"program.c:3" count=1
// EXPECT: thread-lost state=open severity=warning subject~"mail-queue" count=1
#include "../../process.h"
#include <sys/prctl.h>

static int settled[2], named[2];

static void await_byte(int fd) {
    char byte;
    CHECK(read(fd, &byte, 1) == 1);
}

static void *work(void *unused) {
    (void)unused;
    await_byte(settled[0]);
    CHECK(prctl(PR_SET_NAME, "program.c:3") == 0);
    CHECK(pthread_setname_np(pthread_self(), "mail-queue") == 0);
    CHECK(write(named[1], "n", 1) == 1);
    return stay_idle(NULL);
}

int main(void) {
    pthread_t thread;
    CHECK(pipe(settled) == 0 && pipe(named) == 0);
    CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        settle();
        CHECK(write(settled[1], "s", 1) == 1);
        await_byte(named[0]);
        _exit(0);
    }
    EXITED(child, 0);
    _exit(0);
}
