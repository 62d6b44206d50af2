// Processes that wait for each other by pipes: a leader and its children, which are ended once the report has the error: they would wait for
// ever.
#pragma once
#include "../../process.h"
#include <fcntl.h>
#include <sys/socket.h>

// Reads to the end of file, and ends.
__attribute__((noreturn, unused)) static void read_all(int fd) {
    char bytes[64];
    while (read(fd, bytes, sizeof bytes) > 0)
        ;
    _exit(0);
}

// True once that is on standard error, which is a file.
static bool prints(const char *text) {
    char bytes[1 << 16];
    int file = open("/proc/self/fd/2", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, bytes, sizeof bytes - 1);
    close(file);
    bytes[length > 0 ? length : 0] = 0;
    return strstr(bytes, text);
}

// Runs the leader in a process group of its own until it is reported, and ends the group.
__attribute__((unused)) static void end_once_reported(void (*leader_body)(void)) {
    pid_t leader = fork();
    CHECK(leader >= 0);
    if (leader == 0) {
        CHECK(setpgid(0, 0) == 0);
        leader_body();
        CHECK(!"came back");
    }
    bool found = false;
    for (int round = 0; round < 20000 && !(found = reports("\"kind\":\"pipe-inherited\"", "\"severity\":\"error\"")); round++)
        brief_pause();
    for (int round = 0; found && round < 20000 && !prints("pipe-inherited (error)"); round++)
        brief_pause();
    CHECK(kill(-leader, SIGKILL) == 0);
    CHECK(WIFSIGNALED(status_of(leader)));
    CHECK(found);
}
