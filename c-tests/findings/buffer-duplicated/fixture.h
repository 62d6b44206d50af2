// A stream with output that waits at the fork, and a child that is waited for.
#pragma once
#include "../../check.h"

static char path[] = "buffer_duplicated.XXXXXX";

// A stream into a file of its own, with one line in its buffer.
__attribute__((unused)) static FILE *stream_with_line(void) {
    int file = mkstemp(path);
    CHECK(file >= 0 && close(file) == 0);
    FILE *stream = fopen(path, "a");
    CHECK(stream && fputs("started\n", stream) >= 0);
    return stream;
}

// How often the file has the line.
__attribute__((unused)) static int lines(void) {
    char line[64];
    int count = 0;
    FILE *file = fopen(path, "r");
    CHECK(file);
    while (fgets(line, sizeof line, file))
        count += strcmp(line, "started\n") == 0;
    CHECK(fclose(file) == 0);
    return count;
}

// Removed in every case: the lines are counted already.
__attribute__((unused)) static void remove_file(void) {
    CHECK(unlink(path) == 0);
}
