// A program whose addresses, data, processes and stack end, one after the other, while it forks and starts threads.
// What it says goes to the file that is its first argument.
#include "results.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void child(void *unused) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    (void)unused;
    lock(&mutex);
    usleep(1000);
    exit(0);
}

static void set_limit(int resource, rlim_t value) {
    struct rlimit limit;
    CHECK(getrlimit(resource, &limit) == 0);
    limit.rlim_cur = value;
    CHECK(setrlimit(resource, &limit) == 0);
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    results = arguments[1];
    in_child(child, NULL);
    say("with all there is");

    // Nothing more can be mapped: neither by the program, nor by the library, whose first report is still to be made.
    struct rlimit all;
    CHECK(getrlimit(RLIMIT_AS, &all) == 0);
    set_limit(RLIMIT_AS, 1 << 20);
    CHECK(mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, lock, NULL) == EAGAIN);
    in_child(child, NULL);
    say("without a page more");
    set_limit(RLIMIT_AS, all.rlim_cur);

    set_limit(RLIMIT_DATA, 0);
    in_child(child, NULL);
    say("without data");
    set_limit(RLIMIT_DATA, RLIM_INFINITY);

    set_limit(RLIMIT_STACK, 64 << 10);
    in_child(child, NULL);
    say("with little stack");

    if (getuid() == 0)
        CHECK(chmod(results, 0666) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
    set_limit(RLIMIT_NPROC, 0);
    pid_t none = fork();
    if (none == 0)
        _exit(0);
    CHECK(none == -1 && errno == EAGAIN);
    CHECK(pthread_create(&thread, NULL, lock, NULL) == EAGAIN);
    say("without a process more");
    return 44;
}
