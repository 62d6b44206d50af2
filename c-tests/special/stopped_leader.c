// A leader that is stopped before it has written what it found holds its child up once, not for every finding.
#include "../sockets.h"

static pid_t leader;

static void stop(void) {
    raise(SIGSTOP);
}

static void until_stopped(pid_t process) {
    char path[64], state = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", process);
    for (int round = 0; state != 'T'; round++) {
        FILE *stream = fopen(path, "re");
        CHECK(stream != NULL && round < 20000 && fscanf(stream, "%*d %*s %c", &state) == 1);
        fclose(stream);
        brief_pause();
    }
}

int main(void) {
    int connections[20];
    struct address address = v4_loopback();
    int listener = listen_at(&address);
    for (int index = 0; index < 20; index++) {
        connections[index] = connect_to(&address);
        CHECK(accept(listener, NULL, NULL) >= 0);
    }
    leader = getpid();
    CHECK(pthread_atfork(NULL, stop, NULL) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct timespec begin, end;
        until_stopped(leader);
        for (int index = 0; index < 20; index++)
            CHECK(close(connections[index]) == 0);
        clock_gettime(CLOCK_MONOTONIC, &begin);
        poll(NULL, 0, 1);
        clock_gettime(CLOCK_MONOTONIC, &end);
        CHECK(kill(leader, SIGCONT) == 0);
        CHECK((end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000 < 1000);
        _exit(0);
    }
    EXITED(child, 0);
    puts("the child went on");
    return 0;
}
