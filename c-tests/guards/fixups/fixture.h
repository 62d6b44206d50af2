// What the fixtures of fixups share: a log in the process's own memory of what ran there, and words that all its children share.
#pragma once
#include "../../process.h"
#include "../../../include/forkguard.h"
#include <sys/mman.h>

static char ran[64];

__attribute__((unused)) static void log_it(void *letter) {
    ran[strlen(ran)] = *(const char *)letter;
}

__attribute__((unused)) static int registered(const char *name, void (*function)(void *), void *argument) {
    int number = forkguard_register_fixup(name, function, argument);
    CHECK(number >= 0);
    return number;
}

__attribute__((unused)) static void *shared(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
}
