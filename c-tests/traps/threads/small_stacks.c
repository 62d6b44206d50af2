// Threads with the least stack there is, and a small signal stack: what runs on them may fork, settle, and never write below, although the
// child inherits a connection.
#include "../../check.h"
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/auxv.h>

// What a handler may use besides the registers that the kernel saves, which take more with newer processors.
enum { HANDLERS = 4096 };
enum { BELOW = 65536, LARGEST = 65536, PATTERN = 0x5a };

static unsigned char memory[BELOW + LARGEST] __attribute__((aligned(64)));

static void nothing_is_written_below(void) {
    for (size_t index = 0; index < BELOW; index++)
        CHECK(memory[index] == PATTERN);
}

static void connect_to_oneself(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(server, (struct sockaddr *)&address, size) == 0 && listen(server, 1) == 0);
    CHECK(getsockname(server, (struct sockaddr *)&address, &size) == 0);
    CHECK(connect(client, (struct sockaddr *)&address, size) == 0);
}

static void *make_processes(void *unused) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        poll(NULL, 0, 1);
        nothing_is_written_below();
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
    memset(memory, PATTERN, BELOW);
    connect_to_oneself();
    pthread_attr_t least;
    pthread_t thread;
    CHECK(pthread_attr_init(&least) == 0 && pthread_attr_setstacksize(&least, PTHREAD_STACK_MIN) == 0);
    CHECK(pthread_create(&thread, &least, make_processes, NULL) == 0 && pthread_join(thread, NULL) == 0);

    size_t small = getauxval(AT_MINSIGSTKSZ) + HANDLERS;
    CHECK(small <= LARGEST);
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    CHECK(sigaltstack(&(stack_t){.ss_sp = memory + BELOW, .ss_size = small}, NULL) == 0);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0 && raise(SIGUSR1) == 0);
    nothing_is_written_below();
    puts("forked on small stacks");
    return 0;
}
