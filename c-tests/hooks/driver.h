// Runs every snippet of a fixture in every context that a program may call libc from.
//
// A fixture is built twice: with -DLIBRARY as a shared library whose constructor runs the snippets, and as a program that is
// linked to that library. A snippet may be run any number of times, in any thread and any process.
#pragma once
#include "../check.h"
#include <stdatomic.h>
#include <sys/mman.h>

struct snippet {
    const char *name;
    void (*run)(void);
    bool safe;
};

#define SNIPPET_(function, is_safe) \
    static void function(void); \
    static const struct snippet function##_snippet = {#function, function, is_safe}; \
    static const struct snippet *const function##_entry __attribute__((used, section("snippets"))) = &function##_snippet; \
    static void function(void)
#define SNIPPET(function) SNIPPET_(function, false)
// One that calls only async-signal-safe functions: it also runs in a signal handler.
#define SAFE_SNIPPET(function) SNIPPET_(function, true)

extern const struct snippet *const __start_snippets[] __attribute__((visibility("hidden")));
extern const struct snippet *const __stop_snippets[] __attribute__((visibility("hidden")));

static void run_all(const char *where, bool only_safe, atomic_uint *passed) {
    context = where;
    for (const struct snippet *const *snippet = __start_snippets; snippet < __stop_snippets; snippet++) {
        if (only_safe && !(*snippet)->safe)
            continue;
        step = (*snippet)->name;
        (*snippet)->run();
        atomic_fetch_add(passed, 1);
    }
    step = "";
}

#ifdef LIBRARY

atomic_uint passed_in_library;

__attribute__((constructor)) static void library_constructor(void) {
    run_all("constructor of a library", false, &passed_in_library);
}

#else

extern atomic_uint passed_in_library;
// Shared with the children, so that what they ran is counted too.
static atomic_uint *passed;

static pid_t driver;

static void run_at_exit_and_report(void) {
    // Snippets end children of theirs by exit too.
    if (getpid() != driver)
        return;
    run_all("atexit handler", false, passed);
    printf("passed: %u\n", *passed + passed_in_library);
    fflush(stdout);
}

__attribute__((constructor)) static void constructor(void) {
    passed = mmap(NULL, sizeof *passed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(passed != MAP_FAILED);
    driver = getpid();
    CHECK(atexit(run_at_exit_and_report) == 0);
    run_all("constructor", false, passed);
}

static void *thread_body(void *where) {
    run_all(where, false, passed);
    return NULL;
}

static void child_body(void *where) {
    run_all(where, false, passed);
}

static void grandchild_body(void *where) {
    in_child(child_body, where);
}

static void *forking_thread(void *where) {
    in_child(child_body, where);
    return NULL;
}

static void handler(int signal_number) {
    (void)signal_number;
    run_all("signal handler", true, passed);
}

static void cleanup(void *where) {
    run_all(where, false, passed);
}

static void *cancelled_thread(void *ready) {
    pthread_cleanup_push(cleanup, "cleanup after pthread_cancel");
    atomic_store((atomic_bool *)ready, true);
    for (;;)
        pause();
    pthread_cleanup_pop(0);
}

static void *exiting_thread(void *unused) {
    pthread_cleanup_push(cleanup, "cleanup in pthread_exit");
    pthread_exit(unused);
    pthread_cleanup_pop(0);
}

static void *thread_with_key(void *key) {
    CHECK(pthread_setspecific(*(pthread_key_t *)key, "destructor of a thread's key") == 0);
    return NULL;
}

static void *last_thread(void *main_thread) {
    CHECK(pthread_join((pthread_t)main_thread, NULL) == 0);
    run_all("thread after pthread_exit of main", false, passed);
    // Not by returning: to glibc there is no thread left then, and the first one that an atexit handler makes and ends would end all.
    exit(0);
}

int main(void) {
    run_all("main", false, passed);

    in_thread(thread_body, "second thread");

    // A signal that no snippet uses.
    struct sigaction action = {.sa_handler = handler}, old;
    CHECK(sigaction(SIGRTMAX - 3, &action, &old) == 0);
    CHECK(old.sa_handler == SIG_DFL);
    CHECK(raise(SIGRTMAX - 3) == 0);

    in_child(child_body, "forked child");
    in_child(grandchild_body, "child of a forked child");
    in_thread(forking_thread, "child forked by a thread");

    pthread_key_t key;
    CHECK(pthread_key_create(&key, cleanup) == 0);
    in_thread(thread_with_key, &key);
    CHECK(pthread_key_delete(key) == 0);

    pthread_t thread;
    atomic_bool ready = false;
    CHECK(pthread_create(&thread, NULL, cancelled_thread, &ready) == 0);
    EVENTUALLY(ready);
    CHECK(pthread_cancel(thread) == 0);
    void *result;
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED);

    in_thread(exiting_thread, NULL);

    context = "main";
    CHECK(pthread_create(&thread, NULL, last_thread, (void *)pthread_self()) == 0);
    pthread_exit(NULL);
}

#endif
