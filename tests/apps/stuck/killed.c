/* A child that waits in a function, and is killed there. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
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
    /* Until it waits in the kernel. */
    for (char state = 0; state != 'S';) {
        char path[64], text[256] = {0};
        snprintf(path, sizeof path, "/proc/%d/stat", child);
        FILE *file = fopen(path, "r");
        fread(text, 1, sizeof text - 1, file);
        fclose(file);
        state = strrchr(text, ')')[2];
    }
    kill(child, SIGKILL);
    int status;
    return waitpid(child, &status, 0) != child || !WIFSIGNALED(status);
}
