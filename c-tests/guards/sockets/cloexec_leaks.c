// Programs that a child becomes or starts get the listening socket, as before; the connection they do not get, and it is no finding.
// EXPECT: fd-leaked-exec subject~'the socket at' count=3
// EXPECT-NOT: fd-leaked-exec subject~TCP
#include "../../leaks.h"

static struct address address;
static int client;

static const char *connection(void) {
    static char command[64];
    // Not by its number, which would hand it over.
    snprintf(command, sizeof command, "! test -S /proc/self/fd/$((%d - 1000))", client + 1000);
    return command;
}

static void start_by_system(void) { CHECK(system(connection()) == 0); }

static void start_by_popen(void) {
    FILE *stream = popen(connection(), "r");
    CHECK(stream && pclose(stream) == 0);
}

static void become(void) {
    execl("/bin/sh", "sh", "-c", connection(), (char *)NULL);
    _exit(127);
}

int main(void) {
    address = v4_loopback();
    listen_leaking(&address);
    client = connect_leaking(&address);
    fork_working_child(start_by_system);
    fork_working_child(start_by_popen);
    fork_working_child(become);
    return 0;
}
