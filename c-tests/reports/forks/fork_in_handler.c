// A signal handler forks at any instruction of a hooked call, and the child goes on from there: it knows that it is a child.
// EXPECT-EVENT: fork kind=fork counts.threads=1 threads=[name=offspring,forking=true] count=40
// EXPECT-NO-EVENT: fork counts.threads=2 threads=[name=offspring]
// EXPECT-NO-EVENT: fork detail=counts threads=[name=offspring]
#include "../../process.h"
#include <fcntl.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <x86intrin.h>

enum { FORKS = 40, STRIDE = 61, TRAP_FLAG = 0x100 };
static pid_t leader;
static volatile int traps, forks;
static pid_t children[FORKS];

// Called after every instruction.
static void fork_now_and_then(int signal_number, siginfo_t *info, void *context) {
    (void)signal_number, (void)info;
    greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
    if ((traps += 1) % STRIDE != 0)
        return;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child != 0)
        children[forks] = child, forks += 1;
    if (child == 0 || forks == FORKS)
        *flags &= ~TRAP_FLAG;
}

static void open_and_close(void) {
    close(open("/dev/null", O_RDONLY));
}

int main(void) {
    struct sigaction action = {.sa_sigaction = fork_now_and_then, .sa_flags = SA_SIGINFO};
    leader = getpid();
    start_worker(stay_idle);
    open_and_close();
    CHECK(sigaction(SIGTRAP, &action, NULL) == 0);
    __writeeflags(__readeflags() | TRAP_FLAG);
    while (getpid() == leader && forks < FORKS)
        open_and_close();
    if (getpid() != leader) {
        CHECK(prctl(PR_SET_NAME, "offspring") == 0);
        fork_living_child();
        _exit(0);
    }
    for (int index = 0; index < FORKS; index++)
        EXITED(children[index], 0);
    return 0;
}
