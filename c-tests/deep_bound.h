// Functions of plugins/deep_bound.c.
#pragma once
#include "sockets.h"
#include <dlfcn.h>

struct deep_bound {
    void *handle;
    int (*connect)(const struct address *);
    ssize_t (*send)(int, const void *, size_t);
    ssize_t (*send_by_table)(int, const void *, size_t);
    pthread_t (*worker)(void);
    int (*seek)(void);
    void *(*table)(void);
};

__attribute__((unused)) static void *symbol(void *handle, const char *name) {
    void *address = dlsym(handle, name);
    CHECK(address != NULL);
    return address;
}

#define DEEP_SYMBOL(plugin, name) (*(void **)&(plugin).name = symbol((plugin).handle, "deep_" #name))

__attribute__((unused)) static struct deep_bound load_deep_bound(const char *file, int flags) {
    struct deep_bound plugin = {.handle = dlopen(file, flags | RTLD_DEEPBIND)};
    CHECK(plugin.handle != NULL);
    DEEP_SYMBOL(plugin, connect);
    DEEP_SYMBOL(plugin, send);
    DEEP_SYMBOL(plugin, send_by_table);
    DEEP_SYMBOL(plugin, worker);
    DEEP_SYMBOL(plugin, seek);
    DEEP_SYMBOL(plugin, table);
    return plugin;
}
