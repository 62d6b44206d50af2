// A child that changes the signals of its leader's signalfd does so for the leader, too; one that reads it gets its own signals.
// EXPECT: epoll-inherited severity=info subject~signalfd
// EXPECT: epoll-shared-use severity=error state=hit subject~signalfd sites=[role=opened,frames.module~PROGRAM] sites=[role=used,frames.module~PROGRAM] count=1
// EXPECT-NOT: signals-blocked severity=warning
#include "../../check.h"
#include <signal.h>
#include <sys/signalfd.h>

int main(void) {
    sigset_t both, one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    both = one;
    sigaddset(&both, SIGUSR2);
    CHECK(sigprocmask(SIG_BLOCK, &both, NULL) == 0);
    int descriptor = signalfd(-1, &both, SFD_CLOEXEC);
    for (int changes = 0; changes < 2; changes++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            struct signalfd_siginfo taken;
            CHECK(!changes || signalfd(descriptor, &one, 0) == descriptor);
            CHECK(raise(SIGUSR1) == 0 && read(descriptor, &taken, sizeof taken) == sizeof taken && taken.ssi_signo == SIGUSR1);
            exit(usleep(1000));
        }
        EXITED(child, 0);
    }
    return 0;
}
