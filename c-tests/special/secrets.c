// A secret in each place that a process has for one: its arguments, its environment, what it sends, writes and buffers, its memory, its title, the
// arguments and the environment of what it executes. Each holds SECRET-, which a report must never do.
#include "../sockets.h"
#include <sys/prctl.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *hold(void *secret) {
    (void)secret;
    CHECK(pthread_mutex_lock(&mutex) == 0);
    stay();
}

static void execute(void) {
    char *arguments[] = {"sh", "-c", "exit 0 # SECRET-exec-argument", NULL}, *environment[] = {"TOKEN=SECRET-exec-environment", NULL};
    execve("/bin/sh", arguments, environment);
}

static void use_connection(int connection) {
    struct timespec soon = from_now(CLOCK_REALTIME, 1);
    CHECK(write(connection, "SECRET-payload", 14) == 14);
    CHECK(pthread_mutex_timedlock(&mutex, &soon) == ETIMEDOUT);
    puts("SECRET-buffered-in-child");
    live();
}

int main(int count, char **arguments) {
    CHECK(count == 2 && strstr(arguments[1], "SECRET-") && strstr(getenv("TOKEN"), "SECRET-"));
    struct address address = v4_loopback();
    int listener = listen_at(&address), connection = connect_to(&address);
    FILE *file = tmpfile();
    CHECK(listener >= 0 && file && fputs("SECRET-buffered", file) >= 0 && fputs("SECRET-buffered-output", stdout) >= 0);
    CHECK(write(connection, "SECRET-payload", 14) == 14 && setenv("LATER", "SECRET-later", 1) == 0);
    start_worker(hold);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        use_connection(connection);
    EXITED(child, 0);
    child = fork();
    if (child == 0)
        execute();
    EXITED(child, 0);
    child = vfork();
    if (child == 0)
        execute();
    EXITED(child, 0);
    CHECK(system("exit 0 # SECRET-shell") == 0);
    return 0;
}
