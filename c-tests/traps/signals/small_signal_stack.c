// A worker's handlers on a small signal stack wake it through a pipe and write into a connection that it inherited: never below the stack.
// WITHOUT: cure (the child writes into a connection of its leader, which is severed)
#include "../../check.h"
#include <arpa/inet.h>
#include <fcntl.h>

enum { BELOW = 65536, SMALL = 8192, PATTERN = 0x5a };

static int wake[2], connection;

static void handle(int number) {
    char byte = 0;
    CHECK(write(number == SIGUSR1 ? wake[1] : connection, &byte, 1) == 1);
}

static void *stay(void *unused) {
    while (true)
        syscall(SYS_pause);
    return unused;
}

int main(void) {
    static unsigned char memory[BELOW + SMALL] __attribute__((aligned(64)));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    connection = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(connection, (struct sockaddr *)&address, size) == 0);
    CHECK(pipe2(wake, O_NONBLOCK) == 0);
    // The loader's own work on the stack is done.
    CHECK(write(wake[1], "", 1) == 1);
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGUSR2, &action, NULL) == 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, stay, NULL) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        memset(memory, PATTERN, BELOW);
        CHECK(sigaltstack(&(stack_t){.ss_sp = memory + BELOW, .ss_size = SMALL}, NULL) == 0);
        CHECK(raise(SIGUSR1) == 0 && raise(SIGUSR2) == 0);
        for (size_t index = 0; index < BELOW; index++)
            CHECK(memory[index] == PATTERN);
        _exit(0);
    }
    EXITED(child, 0);
    puts("woken on a small stack");
    return 0;
}
