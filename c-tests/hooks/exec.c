// execve, execv, execvp, execvpe, execl, execlp, execle, fexecve: arguments, environment, PATH, errors.
#include "driver.h"
#include <fcntl.h>

extern char **environ;

#define SCRIPT "test \"$1\" = first && test \"$2\" = 'second one' && test \"${CODE-unset}\" = \"$3\" && exit 8"
static char *const arguments[] = {"sh", "-c", SCRIPT, "name", "first", "second one", "unset", NULL};
static char *const with_code[] = {"sh", "-c", SCRIPT, "name", "first", "second one", "42", NULL};
static char *const code[] = {"CODE=42", "PATH=/usr/bin:/bin", NULL};

static void by_execve(void) { execve("/bin/sh", with_code, code); }
static void by_execv(void) { execv("/bin/sh", arguments); }
static void by_execvp(void) { execvp("sh", arguments); }
static void by_execvpe(void) { execvpe("sh", with_code, code); }
static void by_execl(void) { execl("/bin/sh", "sh", "-c", SCRIPT, "name", "first", "second one", "unset", (char *)NULL); }
static void by_execlp(void) { execlp("sh", "sh", "-c", SCRIPT, "name", "first", "second one", "unset", (char *)NULL); }
static void by_execle(void) { execle("/bin/sh", "sh", "-c", SCRIPT, "name", "first", "second one", "42", (char *)NULL, code); }
static void by_fexecve(void) { fexecve(open("/bin/sh", O_RDONLY | O_CLOEXEC), with_code, code); }

static void by_execvp_along_path(void) {
    setenv("PATH", "/no/such/directory:/etc/passwd:/tmp::/usr/bin:/bin", 1);
    execvp("sh", arguments);
}

static void by_execvp_of_a_script(void) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/fixture-script-%d", getpid());
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0700);
    dprintf(fd, "rm -f %s\nexit 8\n", path);
    close(fd);
    // No #! line: execvp hands it to the shell.
    execvp(path, (char *[]){path, NULL});
}

static void by_execl_with_many(void) {
    execl("/bin/sh", "sh", "-c", "test $# = 16 && test ${16} = p && exit 8", "0", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k",
          "l", "m", "n", "o", "p", (char *)NULL);
}

SNIPPET(every_way) {
    void (*const ways[])(void) = {by_execve, by_execv, by_execvp, by_execvpe, by_execl, by_execlp, by_execle, by_fexecve,
                                  by_execvp_along_path, by_execvp_of_a_script, by_execl_with_many};
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        for (int kind = 0; kind < 2; kind++) {
            pid_t child = kind == 0 ? fork() : _Fork();
            CHECK(child >= 0);
            if (child == 0) {
                ways[way]();
                failed(__FILE__, (int)way, "exec");
            }
            EXITED(child, 8);
        }
    }
}

SAFE_SNIPPET(failing) {
    char *none[] = {NULL};
    FAILS(ENOENT, execve("/no/such/program", arguments, none));
    FAILS(EACCES, execve("/etc/passwd", arguments, none));
    FAILS(EACCES, execve("/tmp", arguments, none));
    const char *volatile nowhere = (char *)1;
    FAILS(EFAULT, execve(nowhere, arguments, none));
    FAILS(ENOENT, execl("/no/such/program", "x", (char *)NULL));
    FAILS(EINVAL, fexecve(-1, arguments, none));
}

SNIPPET(failing_in_path) {
    FAILS(ENOENT, execvp("no-such-program", arguments));
    FAILS(ENOENT, execlp("no-such-program", "x", (char *)NULL));
    FAILS(ENOENT, execvpe("", arguments, environ));
}

static void *exec_in_thread(void *unused) {
    by_execve();
    return unused;
}

SNIPPET(from_a_thread_of_a_child) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        in_thread(exec_in_thread, NULL);
        _exit(1);
    }
    EXITED(child, 8);
}

// Ignored signals and the mask go through, descriptors without close-on-exec too.
SNIPPET(what_goes_through) {
    int ends[2];
    char seen[8] = "";
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        signal(SIGUSR1, SIG_IGN);
        dup2(ends[1], 9);
        execl("/bin/sh", "sh", "-c", "kill -USR1 $$; echo alive >&9", (char *)NULL);
        _exit(1);
    }
    EXITED(child, 0);
    CHECK(close(ends[1]) == 0);
    CHECK(read(ends[0], seen, sizeof seen) == 6 && memcmp(seen, "alive\n", 6) == 0);
    CHECK(close(ends[0]) == 0);
}
