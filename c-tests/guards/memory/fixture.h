// A program that frees much, below memory that it still uses, before its first fork.
#pragma once
#include "../../process.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 16384, SIZE = 4096 };

static long resident_pages(void) {
    long size, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%ld %ld", &size, &resident) == 2 && fclose(file) == 0);
    return resident;
}

static long before;

__attribute__((unused)) static void has_less(void) { CHECK(resident_pages() < before - BLOCKS / 2); }
__attribute__((unused)) static void has_as_much(void) { CHECK(resident_pages() > before - BLOCKS / 2); }

// Forks a child, which looks at its memory; the leader's is as the child's.
static void fork_after_freeing(void (*look)(void)) {
    static char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        CHECK((blocks[i] = malloc(SIZE)) && memset(blocks[i], 1, SIZE));
    // Volatile: a compiler may leave out memory that nobody uses (GCC 16), and free() gives back what nothing lies above.
    char *volatile last = malloc(SIZE);
    CHECK(last);
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    before = resident_pages();
    fork_working_child(look);
    look();
    free(last);
}
