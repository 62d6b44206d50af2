// ENV: FORKGUARD_MEMORY=trim
// Memory that was freed below memory that is still used is given back before the fork.
// EXPECT-EVENT: child cures=[guard=memory,action~'given back',subject~kB]
#include "../../process.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 4096, SIZE = 4096 };

static long resident_pages(void) {
    long size, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%ld %ld", &size, &resident) == 2 && fclose(file) == 0);
    return resident;
}

static long before;

static void has_less(void) { CHECK(resident_pages() < before - BLOCKS / 2); }

int main(void) {
    static char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        CHECK((blocks[i] = malloc(SIZE)) && memset(blocks[i], 1, SIZE));
    char *last = malloc(SIZE);
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    before = resident_pages();
    fork_working_child(has_less);
    CHECK(last && before > resident_pages());
    free(last);
    return 0;
}
