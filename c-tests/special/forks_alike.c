// So many threads, open files and forks whose children end at once: all forks are alike. With `new` each has one file more.
#include "../check.h"
#include <fcntl.h>
#include <stdatomic.h>

static atomic_int running;

static void *stay(void *unused) {
    for (running++;;)
        syscall(SYS_pause);
    return unused;
}

int main(int count, char **arguments) {
    CHECK(count >= 4);
    pthread_t thread;
    for (int i = atoi(arguments[1]); i > 0; i--)
        CHECK(pthread_create(&thread, NULL, stay, NULL) == 0);
    EVENTUALLY(running == atoi(arguments[1]));
    for (int i = atoi(arguments[2]); i > 0; i--)
        CHECK(open("/etc/passwd", O_RDONLY) >= 0);
    for (int i = atoi(arguments[3]); i > 0; i--) {
        if (count > 4)
            CHECK(open("/etc/passwd", O_RDONLY) >= 0);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            _exit(0);
        EXITED(child, 0);
    }
    return 0;
}
