// A child that has its leader move the position of a file, and waits until it has: the turn is odd while the leader is to move it.
#pragma once
#include "../../process.h"
#include <fcntl.h>
#include <sys/mman.h>

static atomic_int *turn;

// Before the fork.
static void begin_turns(void) {
    turn = mmap(NULL, sizeof *turn, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(turn != MAP_FAILED);
}

// In the child.
static void let_leader_move(void) {
    int before = (*turn)++;
    while (*turn != before + 2)
        sched_yield();
}

// In the leader.
static void move_when_told(int fd) {
    int told = *turn | 1;
    while (*turn != told)
        sched_yield();
    CHECK(lseek(fd, 2, SEEK_SET) == 2);
    ++*turn;
}

// A file of ten digits.
static int open_digits(const char *name) {
    int fd = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, "0123456789", 10) == 10);
    return fd;
}
