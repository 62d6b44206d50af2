// Connections of libraries that are loaded with RTLD_DEEPBIND are severed, too.
// PLUGIN: deep_bound
// LIBS: -ldl
// GLIBC: 2.35 has the loader's own list of all libraries, by which their imports are found
// ENV: FORKGUARD_SOCKETS=sever
// EXPECT-NOT: connection-shared-use
// EXPECT-EVENT: child cures=[guard=sockets,action=severed,subject~127.0.0.1]
#include "../../deep_bound.h"
#include "fixture.h"

static struct deep_bound plugin;
static int fd;

static void use(void) {
    FAILS(EPIPE, plugin.send(fd, "question", 8));
}

int main(void) {
    plugin = load_deep_bound("libdeep_bound.so", RTLD_NOW);
    struct address address = v4_loopback();
    int listener = listen_at(&address), peer;
    fd = plugin.connect(&address);
    CHECK((peer = accept(listener, NULL, NULL)) >= 0);
    fork_working_child(use);
    char bytes[8];
    CHECK(plugin.send(fd, "question", 8) == 8 && recv(peer, bytes, 8, MSG_WAITALL) == 8);
    return 0;
}
