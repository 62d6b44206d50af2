// A program that closes, replaces and runs out of every descriptor, gives up its rights and its files' sizes, and forks after each.
// What it says goes to the file that is its first argument; it is opened for a line at a time.
#include "results.h"
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void child(void *unused) {
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    (void)unused;
    in_thread(lock, &mutex);
    // A program finds the numbers that it expects.
    CHECK(dup2(0, 90) == 90 && close(90) == 0);
}

static void without_anything(void *unused) {
    (void)unused;
    CHECK(open("/dev/null", O_RDWR) == 0);
}

static void fork_then(const char *line) {
    in_child(child, NULL);
    say(line);
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    results = arguments[1];
    fork_then("at the start");

    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 512; fd++)
        CHECK(fd == null || dup2(null, fd) == fd);
    fork_then("with another file under every number");

    struct rlimit few = {512, 512};
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    CHECK(open("/dev/null", O_RDONLY) == -1 && errno == EMFILE);
    CHECK(close(511) == 0);
    fork_then("with one number left");

    closefrom(3);
    fork_then("with the standard streams only");
    closefrom(0);
    CHECK(open("/dev/null", O_RDWR) == 0);
    fork_then("with one descriptor");
    CHECK(dup(0) == 1 && dup(0) == 2);

    struct rlimit small = {4096, 4096};
    CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && setrlimit(RLIMIT_FSIZE, &small) == 0);
    for (int round = 0; round < 30; round++)
        in_child(child, NULL);
    fork_then("with files of one page");

    if (getuid() == 0) {
        CHECK(chmod(results, 0666) == 0);
        CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    }
    fork_then("as nobody");
    closefrom(0);
    in_child(without_anything, NULL);
    return 43;
}
