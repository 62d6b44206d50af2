// Loaded by unloaded_interpreter.c: exports what a library does that holds PHP, and registers a fixup.
#include "../../include/forkguard.h"
#include <stdbool.h>
#include <stddef.h>

int executor_globals;

bool zend_is_executing(void) {
    return false;
}

const char *zend_get_executed_filename(void) {
    return "[no active file]";
}

unsigned zend_get_executed_lineno(void) {
    return 0;
}

const char *get_active_function_name(void) {
    return "main";
}

static void fixup(void *unused) {
    (void)unused;
}

__attribute__((constructor)) static void constructor(void) {
    if (forkguard_register_fixup)
        forkguard_register_fixup("of a library", fixup, NULL);
}
