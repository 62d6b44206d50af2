// Programs on terminals of their own.
#pragma once
#include "programs.h"
#include <fcntl.h>
#include <pty.h>

struct terminal {
    pid_t program;
    int master;
};

// Waits until a child runs the program of that name.
__attribute__((unused)) static void until_program(pid_t child, const char *wanted) {
    char path[64], name[64] = "";
    snprintf(path, sizeof path, "/proc/%d/comm", child);
    for (int round = 0; strncmp(name, wanted, strlen(wanted)) != 0; round++) {
        FILE *file = fopen(path, "re");
        CHECK(file && round < 20000 && fgets(name, sizeof name, file) && fclose(file) == 0);
        brief_pause();
    }
}

// Starts a program on a new terminal, which runs until it is hung up.
__attribute__((unused)) static struct terminal start_terminal(void) {
    struct terminal terminal;
    terminal.program = forkpty(&terminal.master, NULL, NULL, NULL);
    CHECK(terminal.program >= 0);
    if (terminal.program == 0) {
        execl("/bin/sleep", "sleep", "60", (char *)NULL);
        _exit(127);
    }
    until_program(terminal.program, "sleep");
    return terminal;
}

__attribute__((unused)) static void end_terminal(pid_t program) {
    CHECK(kill(program, SIGKILL) == 0);
    status_of(program);
}
