// calls NAME ROUNDS: nanoseconds of a hooked call, or of a pair of them, in a process with a second thread.
#include "bench.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

enum { SWEPT = 64 };
static int pipe_ends[2], empty_pipe[2], epoll, file, log_file;
static FILE *null;
static sigset_t usual, before;

static void handler(int number) { (void)number; }

#define CALL(name, ...)                 \
    static void name(long count) {      \
        while (count--) {               \
            __VA_ARGS__;                \
        }                               \
    }
CALL(open_close, close(open("/dev/null", O_RDONLY)))
CALL(dup_close, close(dup(0)))
CALL(socket_close, close(socket(AF_UNIX, SOCK_STREAM, 0)))
CALL(pipe_close, int ends[2]; must(!pipe(ends), "pipe"); close(ends[0]); close(ends[1]))
CALL(cloexec, fcntl(pipe_ends[0], F_SETFD, FD_CLOEXEC))
CALL(write_read, char byte = 0; must(write(pipe_ends[1], &byte, 1) == 1 && read(pipe_ends[0], &byte, 1) == 1, "pipe"))
CALL(poll_one, struct pollfd end = {.fd = pipe_ends[1], .events = POLLOUT}; poll(&end, 1, 0))
CALL(epoll_empty, struct epoll_event event; epoll_wait(epoll, &event, 1, 0))
CALL(local_time, struct tm parts; time_t now = 1700000000; localtime_r(&now, &parts))
CALL(set_environment, setenv("BENCH_VARIABLE", "value", 1))
CALL(set_action, struct sigaction action = {.sa_handler = handler}; sigaction(SIGUSR1, &action, NULL))
CALL(block_signals, pthread_sigmask(SIG_BLOCK, &usual, &before); pthread_sigmask(SIG_SETMASK, &before, NULL))

CALL(watch, struct epoll_event event = {.events = EPOLLIN}; must(!epoll_ctl(epoll, EPOLL_CTL_ADD, pipe_ends[0], &event), "epoll_ctl");
     epoll_ctl(epoll, EPOLL_CTL_DEL, pipe_ends[0], NULL))
CALL(lock_file, must(!flock(file, LOCK_EX), "flock"); flock(file, LOCK_UN))
CALL(make_timer, timer_t timer; struct sigevent event = {.sigev_notify = SIGEV_NONE};
     must(!timer_create(CLOCK_MONOTONIC, &event, &timer), "timer_create"); timer_delete(timer))
// The compiler makes fputs of a fprintf without arguments.
CALL(put_byte, fputc('x', null))
CALL(put_line, fputs("a line of a log\n", null))
CALL(write_line, fwrite("a line of a log\n", 1, 16, null))
CALL(print_line, fprintf(null, "request %d of %s\n", 17, "worker"))
// What is not there is not executed: the cost of the call alone.
CALL(spawn_nothing, pid_t child; char *arguments[] = {"/nonexistent", NULL};
     must(posix_spawn(&child, arguments[0], NULL, NULL, arguments, arguments) == ENOENT, "posix_spawn"))
CALL(vfork_wait, pid_t child = vfork(); if (child == 0) _exit(0); must(waitpid(child, NULL, 0) == child, "waitpid"))
// A read that does not wait settles no child.
CALL(read_nothing, char byte; must(read(empty_pipe[0], &byte, 1) == -1 && errno == EAGAIN, "read"))
// Of a file that the leader opened: its position is followed.
CALL(seek_read, char byte; must(lseek(file, 64, SEEK_SET) == 64 && read(file, &byte, 1) == 1, "file"))
CALL(write_log, must(write(log_file, "a line of a log\n", 16) == 16, "write"))

static const struct {
    const char *name;
    void (*loop)(long);
} CALLS[] = {
    {"open+close", open_close},     {"dup+close", dup_close},      {"socket+close", socket_close},
    {"pipe+close+close", pipe_close}, {"fcntl", cloexec},          {"write+read", write_read},
    {"poll", poll_one},             {"epoll_wait", epoll_empty},   {"localtime_r", local_time},
    {"setenv", set_environment},    {"sigaction", set_action},     {"pthread_sigmask", block_signals},
    {"epoll_ctl+epoll_ctl", watch}, {"flock+flock", lock_file},    {"timer_create+timer_delete", make_timer},
    {"posix_spawn", spawn_nothing}, {"fputc", put_byte},           {"fputs", put_line},
    {"fwrite", write_line},         {"fprintf", print_line},       {"write+read after a fork", write_read},
    {"write+read in a child", write_read}, {"vfork+waitpid", vfork_wait}, {"dup+close in a child", dup_close},
    {"read of nothing in a child", read_nothing}, {"write in a daemon", write_log},
    {"lseek+read in a child", seek_read},
};

static void go_on_in_child(void) {
    pid_t child = fork();
    if (child != 0) {
        int status;
        must(child > 0 && waitpid(child, &status, 0) == child && status == 0, "fork");
        exit(0);
    }
}

// Its log has the number of a file of its leader's that it closed with all others.
static void become_daemon(void) {
    log_file = open("/dev/null", O_WRONLY);
    must(log_file >= 0, "open");
    go_on_in_child();
    for (int fd = 3; fd < SWEPT; fd++)
        close(fd);
    must(open("/dev/null", O_RDONLY) == 3, "open");
    must(dup2(open("/dev/null", O_WRONLY), log_file) == log_file, "dup2");
}

int main(int argc, char **argv) {
    must(argc >= 2, "usage: calls NAME ROUNDS");
    pin();
    sigemptyset(&usual);
    sigaddset(&usual, SIGTERM);
    start_sleepers(1);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    must(epoll >= 0 && !pipe(pipe_ends) && !pipe2(empty_pipe, O_NONBLOCK), "pipe");
    file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    null = fopen("/dev/null", "w");
    must(file >= 0 && null, "open");
    if (strstr(argv[1], "after a fork")) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        must(child > 0 && waitpid(child, NULL, 0) == child, "fork");
    }
    if (strstr(argv[1], "in a child"))
        go_on_in_child();
    if (strstr(argv[1], "in a daemon"))
        become_daemon();
    for (size_t call = 0; call < sizeof CALLS / sizeof *CALLS; call++) {
        if (strcmp(argv[1], CALLS[call].name) == 0) {
            CALLS[call].loop(100);
            print_figure(fastest(CALLS[call].loop, 5000, argument(argc, argv, 2, 20)));
            return 0;
        }
    }
    must(0, argv[1]);
}
