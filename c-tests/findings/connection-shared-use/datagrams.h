// A client's socket for datagrams, and a server that answers each of them.
#pragma once
#include "../../sockets.h"

static struct sockaddr_in server;
static int client;

static int bound_socket(struct sockaddr_in *address) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)address, sizeof *address) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)address, &(socklen_t){sizeof *address}) == 0);
    return fd;
}

static void say(void) {
    CHECK(sendto(client, "question", 8, 0, (struct sockaddr *)&server, sizeof server) == 8);
}

static void hear(void) {
    char bytes[8];
    CHECK(recvfrom(client, bytes, sizeof bytes, 0, NULL, NULL) == 8);
}

// What comes first is answered, in this process.
static void answer(int fd) {
    char bytes[8];
    struct sockaddr_in from;
    CHECK(recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &(socklen_t){sizeof from}) == 8);
    CHECK(sendto(fd, bytes, 8, 0, (struct sockaddr *)&from, sizeof from) == 8);
}
