// An exit handler that a child has from its leader is interrupted by a signal's handler on a small stack, which removes the leader's file and ends its
// helper: never below that stack.
#include "../../check.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>

enum { BELOW = 65536, HANDLERS = 4096, LARGEST = 65536, PATTERN = 0x5a };

static unsigned char memory[BELOW + LARGEST] __attribute__((aligned(64)));
static char path[] = "small_stack.XXXXXX";
static pid_t leader, helper;

static void take(int number) {
    if (number == SIGUSR1)
        unlink(path);
    else
        kill(helper, SIGTERM);
}

static void at_end(void) {
    if (getpid() == leader)
        return;
    memset(memory, PATTERN, BELOW);
    size_t registers = getauxval(AT_MINSIGSTKSZ);
    CHECK(sigaltstack(&(stack_t){.ss_sp = memory + BELOW, .ss_size = HANDLERS + registers}, NULL) == 0);
    CHECK(raise(SIGUSR1) == 0 && raise(SIGUSR2) == 0);
    for (size_t index = 0; index < BELOW; index++)
        CHECK(memory[index] == PATTERN);
}

int main(void) {
    leader = getpid();
    int file = mkstemp(path);
    CHECK(file >= 0 && close(file) == 0);
    struct sigaction action = {.sa_handler = take, .sa_flags = SA_ONSTACK};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGUSR2, &action, NULL) == 0);
    helper = fork();
    while (helper == 0)
        pause();
    CHECK(helper > 0 && atexit(at_end) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        exit(0);
    EXITED(child, 0);
    CHECK(kill(helper, SIGKILL) == 0 && waitpid(helper, NULL, 0) == helper);
    unlink(path);
    return 0;
}
