// A client library's exit handler, which says goodbye to its server in each process that ends by exit(3).
#pragma once
#include "../../sockets.h"

static int connection;

static void say_goodbye(void) {
    send(connection, "QUIT\r\n", 6, 0);
}

static void connect_for_good(void) {
    struct address address = v4_loopback();
    int listener = listen_at(&address);
    connection = connect_to(&address);
    CHECK(accept(listener, NULL, NULL) >= 0 && atexit(say_goodbye) == 0);
}
