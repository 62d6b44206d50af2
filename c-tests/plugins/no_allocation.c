// An allocator that ends the process where it must not be called: by libforkguard.so itself once the program is under way, between its
// prepare handler and the end of its first child handler, and wherever a program says so (`forbid_allocation`).
//
// Preloaded in front of the library: its constructor runs directly after, so its atfork handlers are the neighbours of the library's.
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The C library's own, behind the names that this library takes.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static uintptr_t start, end;
static __thread int forbidden __attribute__((tls_model("initial-exec")));

void forbid_allocation(bool forbid) {
    forbidden += forbid ? 1 : -1;
}

static void judge(const char *function, void *caller) {
    uintptr_t address = (uintptr_t)caller;
    bool by_library = start <= address && address < end;
    if (!forbidden && !by_library)
        return;
    char text[200];
    int length = snprintf(text, sizeof text, "no_allocation: %s%s, called %s%#lx\n", function, forbidden ? " where it is forbidden" : "",
                          by_library ? "by libforkguard.so+" : "from ", by_library ? address - start : address);
    // The program's own standard error may be elsewhere by now.
    _exit(write(2, text, length) == length ? 86 : 87);
}

#define JUDGE() judge(__func__, __builtin_return_address(0))

void *malloc(size_t size) {
    JUDGE();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    JUDGE();
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
    JUDGE();
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
    JUDGE();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    JUDGE();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    JUDGE();
    *block = __libc_memalign(alignment, size);
    return *block ? 0 : ENOMEM;
}

void free(void *block) {
    JUDGE();
    __libc_free(block);
}

static int find_library(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size, (void)unused;
    if (!strstr(info->dlpi_name, "libforkguard"))
        return 0;
    start = info->dlpi_addr;
    for (int index = 0; index < info->dlpi_phnum; index++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[index];
        if (header->p_type == PT_LOAD && end < start + header->p_vaddr + header->p_memsz)
            end = start + header->p_vaddr + header->p_memsz;
    }
    return 1;
}

static void forbid(void) {
    forbid_allocation(true);
}

static void allow(void) {
    forbid_allocation(false);
}

__attribute__((constructor)) static void begin(void) {
    dl_iterate_phdr(find_library, NULL);
    pthread_atfork(forbid, allow, allow);
}
