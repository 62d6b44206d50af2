// forks MEGABYTES THREADS DESCRIPTORS FORKS [PAUSE_MS [CONNECTIONS [HOLDERS [FIGURE]]]]: nanoseconds of fork, _exit in the child, and wait
// (FIGURE 0), or the page faults of that in the leader (1) or in the child (2). Of the threads, HOLDERS hold a lock. FIXUPS=N in the
// environment registers so many.
#include "bench.h"
#include "../include/forkguard.h"
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static void open_descriptors(long count) {
    struct rlimit limit;
    must(!getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    must(!setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
    for (long i = 0; i < count; i++) {
        int made = i % 4 == 0   ? open("/dev/null", O_RDWR | O_CLOEXEC)
                   : i % 4 == 1 ? socket(AF_INET, SOCK_STREAM, 0)
                   : i % 4 == 2 ? eventfd(0, 0)
                                : dup(0);
        must(made >= 0, "a descriptor");
    }
}

// Without close-on-exec: what a guard sets, it has to set for each.
static void open_connections(long count) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    must(listener >= 0 && !bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)) && !listen(listener, (int)count), "listen");
    socklen_t size = sizeof address;
    must(!getsockname(listener, (struct sockaddr *)&address, &size), "getsockname");
    for (long i = 0; i < count; i++) {
        int made = socket(AF_UNIX, SOCK_STREAM, 0);
        must(made >= 0 && !connect(made, (struct sockaddr *)&address, size), "connect");
    }
}

static void nothing(void *unused) {
    (void)unused;
}

static void register_fixups(void) {
    const char *count = getenv("FIXUPS");
    for (int i = count ? atoi(count) : 0; i > 0; i--)
        must(forkguard_register_fixup && forkguard_register_fixup("nothing", nothing, NULL) >= 0, "a fixup");
}

static void *holder(void *held) {
    pthread_mutex_t *mutex = malloc(sizeof *mutex);
    must(mutex && !pthread_mutex_init(mutex, NULL) && !pthread_mutex_lock(mutex), "a mutex");
    pthread_barrier_wait(held);
    return sleeper(NULL);
}

static void start_holders(long count) {
    pthread_t thread;
    static pthread_barrier_t held;
    must(!pthread_barrier_init(&held, NULL, (unsigned)count + 1), "pthread_barrier_init");
    for (long i = 0; i < count; i++)
        must(!pthread_create(&thread, NULL, holder, &held), "pthread_create");
    pthread_barrier_wait(&held);
}

static double faults_of(const struct rusage *usage) {
    return (double)(usage->ru_minflt + usage->ru_majflt);
}

static double own_faults(void) {
    struct rusage usage;
    must(!getrusage(RUSAGE_SELF, &usage), "getrusage");
    return faults_of(&usage);
}

int main(int argc, char **argv) {
    size_t megabytes = (size_t)argument(argc, argv, 1, 10);
    long forks = argument(argc, argv, 4, 100), pause_ms = argument(argc, argv, 5, 0), holders = argument(argc, argv, 7, 0);
    long figure = argument(argc, argv, 8, 0);
    pin();
    char *memory = mmap(NULL, megabytes << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(memory != MAP_FAILED, "mmap");
    // With huge pages there would be hardly a page table to copy.
    madvise(memory, megabytes << 20, MADV_NOHUGEPAGE);
    memset(memory, 1, megabytes << 20);
    start_holders(holders);
    start_sleepers((int)(argument(argc, argv, 2, 1) - 1 - holders));
    open_descriptors(argument(argc, argv, 3, 0));
    if (argument(argc, argv, 6, 0))
        open_connections(argument(argc, argv, 6, 0));
    register_fixups();

    double *each = calloc((size_t)forks, sizeof *each);
    must(each != NULL, "calloc");
    for (long i = 0; i < forks; i++) {
        struct rusage of_child;
        double faults = own_faults(), start = nanoseconds(CLOCK_MONOTONIC);
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        must(child > 0 && wait4(child, NULL, 0, &of_child) == child, "fork");
        double figures[] = {nanoseconds(CLOCK_MONOTONIC) - start, own_faults() - faults, faults_of(&of_child)};
        each[i] = figures[figure];
        if (pause_ms)
            nanosleep(&(struct timespec){.tv_nsec = pause_ms * 1000000}, NULL);
    }
    print_figure(median(each, forks));
    return 0;
}
