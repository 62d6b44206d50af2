// FORKGUARD_FIXUPS: functions of libraries that the program knows nothing of, as long as they are loaded; found without the loader's lock.
// PLUGIN: fixup_named endless_constructor
// ENV: FORKGUARD_FIXUPS=libfixup_named.so:plain,libfixup_named.so:indirect,libfixup_named.so:a_variable,libfixup_named:plain,libc.so.6:no_such
// EXPECT-EVENT: fixup name=libfixup_named.so:plain progress=failed count=2
// EXPECT-EVENT: fixup name=libfixup_named.so:plain progress=done count=3
// EXPECT-EVENT: fixup name=libfixup_named.so:indirect progress=done count=3
// EXPECT-EVENT: fixup name=libfixup_named.so:a_variable progress=failed count=5
// EXPECT-EVENT: fixup name=libfixup_named:plain progress=failed count=5
// EXPECT-EVENT: fixup name=libc.so.6:no_such progress=failed count=5
// STDERR: libfixup_named.so is not loaded
// STDERR: libc.so.6 has no function no_such
// STDERR: a_variable of libfixup_named.so is no function
// STDERR: libfixup_named is not loaded
#include "../../process.h"
#include <dlfcn.h>

static void fork_with(void *library) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        if (library) {
            int *plain = dlsym(library, "plain_calls"), *chosen = dlsym(library, "chosen_calls");
            CHECK(plain && chosen && *plain == 1 && *chosen == 1);
        }
        _exit(0);
    }
    EXITED(child, 0);
}

static void *load_for_ever(void *unused) {
    (void)unused;
    worker_tid = gettid();
    dlopen("libendless_constructor.so", RTLD_NOW);
    return NULL;
}

int main(void) {
    fork_with(NULL);
    void *library = dlopen("libfixup_named.so", RTLD_NOW);
    CHECK(library != NULL);
    fork_with(library);
    CHECK(dlclose(library) == 0);
    fork_with(NULL);
    library = dlopen("libfixup_named.so", RTLD_NOW);
    CHECK(library != NULL);
    fork_with(library);
    int *calls = dlsym(library, "plain_calls");
    // This thread holds the loader's lock for ever.
    start_worker_blocked_in(SYS_pause, load_for_ever);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(*calls == 1 ? 0 : 1);
    EXITED(child, 0);
    // exit() would wait for the loader.
    _exit(0);
}
