// A leader with hazards of many kinds, slow to report them for all its descriptors, and children that are gone at once.
#pragma once
#include "../../held_mutex.h"
#include "../../sockets.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/time.h>

#define CHILDREN 40

static void make_hazards(void) {
    struct address address = v4_loopback();
    listen_at(&address);
    connect_to(&address);
    CHECK(epoll_create1(EPOLL_CLOEXEC) >= 0);
    CHECK(setitimer(ITIMER_VIRTUAL, &(struct itimerval){.it_value = {.tv_sec = 5000}}, NULL) == 0);
    for (int count = 0; count < 200; count++)
        CHECK(eventfd(0, EFD_CLOEXEC) >= 0);
    start_worker(run_and_stay);
}

// Several at once: some end before the leader has reported their forks.
static void fork_children(void (*body)(void)) {
    pid_t children[CHILDREN];
    for (int index = 0; index < CHILDREN; index++) {
        CHECK((children[index] = fork()) >= 0);
        if (children[index] == 0) {
            body();
            _exit(0);
        }
    }
    for (int index = 0; index < CHILDREN; index++)
        EXITED(children[index], 0);
}
