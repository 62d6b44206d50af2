// Memory that processes share, for locks that were made for one process.
#pragma once
#include "../../process.h"
#include <sys/mman.h>

static void *share(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    return memory;
}
