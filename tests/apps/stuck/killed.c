/* A child that waits in a function, and is killed there. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int ready[2], never[2];

__attribute__((noinline)) static int handle_request(void) {
    char byte;
    if (write(ready[1], "x", 1) != 1)
        return 1;
    return read(never[0], &byte, 1) == 1;
}

int main(void) {
    char byte;
    if (pipe(ready) || pipe(never))
        return 1;
    pid_t child = fork();
    if (child == 0)
        _exit(handle_request());
    if (read(ready[0], &byte, 1) != 1)
        return 1;
    /* Until it waits there: before, the library's own work may make it sleep for a moment. */
    char wait[32], call[256];
    snprintf(wait, sizeof wait, "%d 0x%x ", SYS_read, never[0]);
    do {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/syscall", child);
        FILE *file = fopen(path, "r");
        if (!file || !fgets(call, sizeof call, file))
            return 1;
        fclose(file);
    } while (strncmp(call, wait, strlen(wait)));
    kill(child, SIGKILL);
    int status;
    return waitpid(child, &status, 0) != child || !WIFSIGNALED(status);
}
