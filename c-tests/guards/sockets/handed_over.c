// A child that becomes or starts a program and gives it the number of a connection, as an argument or in the environment, hands the
// connection over: the program has it, in whatever form the number is given. Without the number it has not, unless the child placed it there.
// GLIBC: 2.34 has execveat
// EXPECT-NOT: fd-leaked-exec
#include "../../leaks.h"
#include <spawn.h>

static struct address address;
static int client;
static char number[16], argument[64], variable[64], unsaid[64], missing[80];
static char *arguments[] = {"sh", "-c", argument, NULL}, *plain[] = {"sh", "-c", "test -S /proc/self/fd/$HELPER_FD", NULL};
static char *environment[] = {variable, NULL}, *empty[] = {NULL};

static void by_execv(void) { execv("/bin/sh", arguments); }
static void by_execve(void) { execve("/bin/sh", arguments, empty); }
static void by_execvp(void) { execvp("sh", arguments); }
static void by_execvpe(void) { execvpe("sh", arguments, empty); }
static void by_execl(void) { execl("/bin/sh", "sh", "-c", argument, (char *)NULL); }
static void by_execlp(void) { execlp("sh", "sh", "-c", argument, (char *)NULL); }
static void by_a_long_list(void) { execl("/bin/sh", "sh", "-c", "test -S /proc/self/fd/$5", "0", "a", "b", "c", "d", number, (char *)NULL); }
static void by_fexecve(void) { fexecve(open("/bin/sh", O_RDONLY | O_CLOEXEC), arguments, empty); }
static void by_execveat(void) {
    int execveat(int, const char *, char *const[], char *const[], int);
    execveat(AT_FDCWD, "/bin/sh", arguments, empty, 0);
}

static void by_environment(void) { execve("/bin/sh", plain, environment); }
static void by_execle(void) { execle("/bin/sh", "sh", "-c", "test -S /proc/self/fd/$HELPER_FD", (char *)NULL, environment); }
static void by_setenv(void) {
    CHECK(setenv("HELPER_FD", number, 1) == 0);
    execv("/bin/sh", plain);
}

static void by_vfork(void) {
    pid_t child = vfork();
    if (child == 0) {
        execv("/bin/sh", arguments);
        _exit(127);
    }
    EXITED(child, 0);
    // In the vfork child alone.
    CHECK(fcntl(client, F_GETFD) == FD_CLOEXEC);
}

static void by_posix_spawn(void) {
    pid_t child;
    CHECK(posix_spawn(&child, "/bin/sh", NULL, NULL, plain, environment) == 0);
    EXITED(child, 0);
}

static void by_posix_spawnp(void) {
    pid_t child;
    CHECK(posix_spawnp(&child, "sh", NULL, NULL, arguments, empty) == 0);
    EXITED(child, 0);
}

static void by_system(void) { CHECK(system(argument) == 0); }

static void by_popen(void) {
    FILE *stream = popen(argument, "r");
    CHECK(stream && pclose(stream) == 0);
}

// No handler of fork runs for it.
static void by_raw_fork(void) {
    pid_t child = _Fork();
    if (child == 0)
        by_execv();
    EXITED(child, 0);
}

static void by_placing_it(void) {
    CHECK(dup2(client, client) == client);
    execl("/bin/sh", "sh", "-c", unsaid, (char *)NULL);
}

static void after_others_failed(void) {
    CHECK(execl("/nonexistent", "sh", number, (char *)NULL) == -1);
    CHECK(fcntl(client, F_GETFD) == FD_CLOEXEC);
    by_execv();
}

// There is no number to be found: the program does without.
static void not_at_all(void) {
    execl("/bin/sh", "sh", "-c", missing, (char *)NULL);
}

int main(void) {
    void (*const ways[])(void) = {by_execv, by_execve, by_execvp, by_execvpe, by_execl, by_execlp, by_a_long_list, by_fexecve, by_execveat,
                                  by_environment, by_execle, by_setenv, by_vfork, by_posix_spawn, by_posix_spawnp, by_system, by_popen,
                                  by_raw_fork, by_placing_it, after_others_failed, not_at_all};
    address = v4_loopback();
    listen_at(&address);
    // A number that nothing else in the environment is.
    int low = connect_leaking(&address);
    CHECK((client = fcntl(low, F_DUPFD, 741)) == 741 && close(low) == 0);
    snprintf(number, sizeof number, "%d", client);
    snprintf(argument, sizeof argument, "test -S /proc/self/fd/%d", client);
    snprintf(unsaid, sizeof unsaid, "test -S /proc/self/fd/$((%d - 1000))", client + 1000);
    snprintf(missing, sizeof missing, "! %s", unsaid);
    snprintf(variable, sizeof variable, "HELPER_FD=%d", client);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        fork_working_child(ways[i]);
    }
    return 0;
}
