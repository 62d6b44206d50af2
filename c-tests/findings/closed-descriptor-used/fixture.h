// A log that is opened before the fork, and children that close all of their descriptors.
#pragma once
#include "../../process.h"
#include <fcntl.h>

enum { ALL = 200 };

static int log_file;
static FILE *log_stream;

static void open_log(void) {
    log_file = open("log", O_CREAT | O_WRONLY | O_APPEND, 0600);
    log_stream = fopen("stream.log", "a");
    CHECK(log_file > 2 && log_stream != NULL);
}

__attribute__((unused)) static void close_all_upwards(void) {
    for (int fd = 3; fd < ALL; fd++)
        close(fd);
}

__attribute__((unused)) static void close_all_downwards(void) {
    for (int fd = ALL - 1; fd > 2; fd--)
        close(fd);
}

__attribute__((unused)) static void in_daemon(void (*body)(void)) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        body();
        _exit(0);
    }
    EXITED(child, 0);
}
