// pthread_atfork: prepare last registered first, parent and child first registered first; a library's handlers go with it.
// PLUGIN: atfork_plugin
#include "driver.h"
#include <dlfcn.h>

int __register_atfork(void (*)(void), void (*)(void), void (*)(void), void *);
extern void *__dso_handle;

static char order[64];
static atomic_bool recording;

static void note(char letter) {
    if (recording)
        order[strlen(order)] = letter;
}

static void prepare_first(void) { note('a'); }
static void parent_first(void) { note('b'); }
static void child_first(void) { note('c'); }
static void prepare_second(void) { note('A'); }
static void parent_second(void) { note('B'); }
static void child_second(void) { note('C'); }

static void register_once(void) {
    static atomic_bool registered;
    if (atomic_exchange(&registered, true))
        return;
    KEEPS_ERRNO(pthread_atfork(prepare_first, parent_first, child_first) == 0);
    CHECK(pthread_atfork(NULL, NULL, NULL) == 0);
    CHECK(__register_atfork(prepare_second, parent_second, child_second, &__dso_handle) == 0);
}

static void start_recording(void) {
    register_once();
    memset(order, 0, sizeof order);
    recording = true;
}

static void child_saw(void *expected) {
    recording = false;
    CHECK(strcmp(order, expected) == 0);
}

SNIPPET(order_of_handlers) {
    start_recording();
    in_child(child_saw, "AacC");
    recording = false;
    CHECK(strcmp(order, "AabB") == 0);
}

SNIPPET(only_real_forks_call_them) {
    start_recording();
    pid_t child = _Fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(order[0] != 0);
    EXITED(child, 0);
    CHECK(system("true") == 0);
    CHECK((child = vfork()) >= 0);
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
    recording = false;
    CHECK(order[0] == 0);
}

SNIPPET(of_a_loaded_library) {
    register_once();
    void *plugin = dlopen("libatfork_plugin.so", RTLD_NOW);
    CHECK(plugin != NULL);
    void (*watch)(void (*)(char)) = (void (*)(void (*)(char)))dlsym(plugin, "watch_forks");
    CHECK(watch != NULL);
    watch(note);
    start_recording();
    in_child(child_saw, "xAacCz");
    recording = false;
    CHECK(strcmp(order, "xAabBy") == 0);
    CHECK(dlclose(plugin) == 0);
    CHECK(dlopen("libatfork_plugin.so", RTLD_NOW | RTLD_NOLOAD) == NULL);
    start_recording();
    in_child(child_saw, "AacC");
    recording = false;
    CHECK(strcmp(order, "AabB") == 0);
}

static pthread_mutex_t guarded = PTHREAD_MUTEX_INITIALIZER;
static atomic_int guards;

static void take(void) {
    if (guards)
        CHECK(pthread_mutex_lock(&guarded) == 0);
}

static void release(void) {
    if (guards)
        CHECK(pthread_mutex_unlock(&guarded) == 0);
}

static void use_guarded(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(&guarded) == 0);
    CHECK(pthread_mutex_unlock(&guarded) == 0);
}

// The classic: handlers that hold a lock across the fork.
SNIPPET(handlers_that_lock) {
    static atomic_bool registered;
    if (!atomic_exchange(&registered, true))
        CHECK(pthread_atfork(take, release, release) == 0);
    guards = 1;
    in_child(use_guarded, NULL);
    use_guarded(NULL);
    guards = 0;
}

static void fork_and_end(void) {
    static atomic_bool inside;
    if (guards != 2 || atomic_exchange(&inside, true))
        return;
    pid_t child = _Fork();
    if (child == 0)
        _exit(3);
    EXITED(child, 3);
    inside = false;
}

static void do_nothing(void *unused) {
    (void)unused;
}

SNIPPET(handler_that_makes_a_process) {
    static atomic_bool registered;
    if (!atomic_exchange(&registered, true))
        CHECK(pthread_atfork(fork_and_end, fork_and_end, NULL) == 0);
    guards = 2;
    in_child(do_nothing, NULL);
    guards = 0;
}
