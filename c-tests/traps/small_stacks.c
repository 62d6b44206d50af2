// Threads with the least stack there is, and a small signal stack: what runs on them may fork, settle, and never write below.
#include "../check.h"
#include <fcntl.h>
#include <limits.h>
#include <poll.h>

enum { BELOW = 65536, SMALL = 8192, PATTERN = 0x5a };

static void *make_processes(void *unused) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        poll(NULL, 0, 1);
        _exit(21);
    }
    EXITED(child, 21);
    child = vfork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(22);
    EXITED(child, 22);
    CHECK(close(open("/dev/null", O_RDONLY)) == 0 && seteuid(geteuid()) == 0);
    return unused;
}

static void handle(int signal_number) {
    (void)signal_number;
    make_processes(NULL);
}

int main(void) {
    pthread_attr_t least;
    pthread_t thread;
    CHECK(pthread_attr_init(&least) == 0 && pthread_attr_setstacksize(&least, PTHREAD_STACK_MIN) == 0);
    CHECK(pthread_create(&thread, &least, make_processes, NULL) == 0 && pthread_join(thread, NULL) == 0);

    static unsigned char memory[BELOW + SMALL] __attribute__((aligned(64)));
    memset(memory, PATTERN, BELOW);
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    CHECK(sigaltstack(&(stack_t){.ss_sp = memory + BELOW, .ss_size = SMALL}, NULL) == 0);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0 && raise(SIGUSR1) == 0);
    for (size_t index = 0; index < BELOW; index++)
        CHECK(memory[index] == PATTERN);
    puts("forked on small stacks");
    return 0;
}
