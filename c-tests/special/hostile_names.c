// Names that others chose, of a thread, a file, a socket, a process: with what steers a terminal, turns the direction of what follows, begins a line of the
// report, or a page's script. All of them get into findings.
#include "../sockets.h"
#include <sys/prctl.h>
#include <sys/stat.h>

#define HOSTILE "\n{\"event\":1}\n\033[2J\033]0;x\a\xe2\x80\xae<script>"

static void *hostile_thread(void *unused) {
    (void)unused;
    CHECK(prctl(PR_SET_NAME, "\033[2J\xe2\x80\xae\n<b>") == 0);
    stay();
}

int main(void) {
    struct address address = unix_path("socket" HOSTILE);
    int listener = listen_at(&address), connection = connect_to(&address), file = open("file" HOSTILE, O_RDWR | O_CREAT, 0600);
    pthread_t thread;
    CHECK(listener >= 0 && file >= 0 && write(file, "text", 4) == 4);
    CHECK(pthread_create(&thread, NULL, hostile_thread, NULL) == 0);
    EVENTUALLY(in_place);
    CHECK(prctl(PR_SET_NAME, "\033[2J\n\xe2\x80\xae") == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(write(connection, "", 1) == 1 && write(file, "more", 4) == 4);
        live();
    }
    EXITED(child, 0);
    CHECK(write(connection, "", 1) == 1 && write(file, "more", 4) == 4);
    return 0;
}
