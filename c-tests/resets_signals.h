// The program sets handlers; the library resets_signals, which stands for a server, takes them away.
#pragma once
#include "process.h"
#include <dlfcn.h>

static void (*reset)(int), (*ignore)(int), (*take_over)(int);

static void handle(int signal_number) {
    (void)signal_number;
}

__attribute__((unused)) static void set_handler(int signal_number) {
    CHECK(sigaction(signal_number, &(struct sigaction){.sa_handler = handle}, NULL) == 0);
}

__attribute__((constructor)) static void load(void) {
    void *library = dlopen("libresets_signals.so", RTLD_NOW);
    CHECK(library != NULL);
    CHECK((reset = (void (*)(int))dlsym(library, "reset")) != NULL);
    CHECK((take_over = (void (*)(int))dlsym(library, "take_over")) != NULL);
    CHECK((ignore = (void (*)(int))dlsym(library, "ignore")) != NULL);
}
