// Daemons that close all descriptors and know that their loop is gone: they make another one under its number or a higher one, take out of the old one what it
// watched and close it, open the table anew, look at a socket that a client keeps and connect anew, or close the loop alone.
// EXPECT-NOT: closed-descriptor-used
// EXPECT-NO-EVENT: finding severity=error
// STDERR-NOT: closed-descriptor-used
#include "loops.h"
#include <arpa/inet.h>

static int client;

static void work(void) {
    struct epoll_event event = {.events = EPOLLIN};
    CHECK(pipe(wakes) == 0 && epoll_ctl(loop, EPOLL_CTL_ADD, wakes[0], &event) == 0);
    CHECK(epoll_wait(loop, &event, 1, 10) == 0);
    CHECK(write(wakes[1], "x", 1) == 1 && epoll_wait(loop, &event, 1, 10) == 1 && read(wakes[0], &(char){0}, 1) == 1);
}

static void makes_anew(void) {
    close_all_but_log();
    CHECK((loop = epoll_create1(0)) > 0);
    work();
    CHECK((table = open("/proc/self/status", O_RDONLY)) > 0 && read(table, &(char){0}, 1) == 1);
}

static void makes_under_its_number(void) {
    close_all_but_log();
    for (int fd = 0; fd < loop;)
        CHECK((fd = epoll_create1(0)) > 0);
    work();
}

static void closes_old(void) {
    close_all_but_log();
    FAILS(EBADF, epoll_ctl(loop, EPOLL_CTL_DEL, wakes[0], NULL));
    FAILS(EBADF, close(loop));
    makes_anew();
}

static void looks_at_client(void) {
    close_all_but_log();
    FAILS(EBADF, recv(client, &(char){0}, 1, MSG_DONTWAIT));
    FAILS(EBADF, send(client, "x", 1, 0));
}

static void closes_one(void) {
    CHECK(close(loop) == 0);
    FAILS(EBADF, epoll_wait(loop, &(struct epoll_event){0}, 1, 1000));
}

int main(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int server = socket(AF_INET, SOCK_STREAM, 0);
    client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(listen(server, 1) == 0 && getsockname(server, (struct sockaddr *)&at, &(socklen_t){sizeof at}) == 0);
    CHECK(connect(client, (struct sockaddr *)&at, sizeof at) == 0);
    open_loop();
    open_log();
    in_daemon(makes_anew);
    in_daemon(makes_under_its_number);
    in_daemon(closes_old);
    in_daemon(looks_at_client);
    in_daemon(closes_one);
    return 0;
}
