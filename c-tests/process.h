// Threads that stay where a fixture puts them, and children that live on.
#pragma once
#include "check.h"
#include <dirent.h>
#include <poll.h>
#include <stdatomic.h>

static atomic_bool in_place;
static _Atomic pid_t worker_tid;

// The worker has done what it is for: it stays as it is, past the hooks, until the process ends.
__attribute__((noreturn, unused)) static void stay(void) {
    in_place = true;
    for (;;)
        syscall(SYS_pause);
}

// The body of a thread that does nothing.
__attribute__((unused)) static void *stay_idle(void *unused) {
    (void)unused;
    stay();
}

// Starts a thread by the name of `worker` and waits until it stays.
__attribute__((unused)) static pthread_t start_worker(void *(*body)(void *)) {
    pthread_t thread;
    in_place = false;
    CHECK(pthread_create(&thread, NULL, body, NULL) == 0);
    CHECK(pthread_setname_np(thread, "worker") == 0);
    EVENTUALLY(in_place);
    return thread;
}

// Waits until that thread or process is blocked in a system call, with this first argument if it is not null.
__attribute__((unused)) static void until_blocked(pid_t task, long number, const void *first) {
    char path[64], text[128];
    snprintf(path, sizeof path, "/proc/%d/syscall", task);
    for (int round = 0, blocked = false; !blocked; round++) {
        FILE *stream = fopen(path, "re");
        CHECK(stream != NULL && round < 20000);
        long current;
        void *argument;
        blocked = fgets(text, sizeof text, stream) && sscanf(text, "%ld %p", &current, &argument) == 2 && current == number
            && (first == NULL || first == argument);
        fclose(stream);
        brief_pause();
    }
}

__attribute__((unused)) static void until_blocked_in(long number, pid_t task) {
    until_blocked(task, number, NULL);
}

// Starts a thread by the name of `worker` and waits until it is blocked in a system call; the body sets worker_tid first.
__attribute__((unused)) static pthread_t start_worker_blocked_in(long number, void *(*body)(void *)) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, NULL) == 0);
    CHECK(pthread_setname_np(thread, "worker") == 0);
    EVENTUALLY(worker_tid);
    until_blocked_in(number, worker_tid);
    return thread;
}

// A wait for work, though there is some: this child has settled.
__attribute__((unused)) static void settle(void) {
    int work[2];
    char byte = 0;
    CHECK(pipe(work) == 0 && write(work[1], &byte, 1) == 1 && read(work[0], &byte, 1) == 1);
    CHECK(close(work[0]) == 0 && close(work[1]) == 0);
}

// A worker process: it waits for work, which settles it, and ends.
__attribute__((noreturn, unused)) static void live(void) {
    poll(NULL, 0, 10);
    _exit(0);
}

__attribute__((unused)) static void fork_living_child(void) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        live();
    EXITED(child, 0);
}

// A line of the report, a whole one, holds both texts.
__attribute__((unused)) static bool reports(const char *one, const char *other) {
    char path[4096], *line = NULL;
    size_t size = 0;
    bool found = false;
    const char *place = getenv("FORKGUARD_REPORT");
    DIR *directory = place ? opendir(place) : NULL;
    for (struct dirent *entry; directory && !found && (entry = readdir(directory));) {
        snprintf(path, sizeof path, "%s/%s", place, entry->d_name);
        FILE *stream = strstr(entry->d_name, ".jsonl") ? fopen(path, "re") : NULL;
        for (ssize_t length; stream && !found && (length = getline(&line, &size, stream)) > 0;)
            found = line[length - 1] == '\n' && strstr(line, one) && strstr(line, other);
        if (stream)
            fclose(stream);
    }
    if (directory)
        closedir(directory);
    free(line);
    return found;
}

// A line of the report is a finding of this kind, written by that process.
__attribute__((unused)) static bool reported(pid_t pid, const char *kind) {
    char key[64], finding[128];
    snprintf(key, sizeof key, "\"pid\":%d,", pid);
    snprintf(finding, sizeof finding, "\"kind\":\"%s\",\"severity\"", kind);
    return reports(key, finding);
}

// Ends a child that hangs for ever in a futex, once the report has its finding.
__attribute__((unused)) static void kill_when_reported(pid_t child, const char *kind) {
    bool found = false;
    for (int round = 0; round < 10000 && !(found = reported(child, kind)); round++)
        brief_pause();
    // It prints the finding, too, before it sleeps.
    if (found)
        until_blocked_in(SYS_futex, child);
    // Whatever was found, nothing stays behind.
    CHECK(kill(child, SIGKILL) == 0);
    int status = status_of(child);
    step = kind;
    CHECK(found);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

// Forks a child in which `child_body` hangs for ever, as a finding of this kind must say.
__attribute__((unused)) static void fork_hanging_child(const char *kind, void (*child_body)(void)) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        child_body();
        CHECK(!"came back");
    }
    kill_when_reported(child, kind);
}

// Starts a child that does something that must not hang, and then waits for work.
__attribute__((unused)) static pid_t start_working_child(void (*body)(void)) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        body();
        live();
    }
    return child;
}

// The same, until it has ended.
__attribute__((unused)) static void fork_working_child(void (*body)(void)) {
    pid_t child = start_working_child(body);
    EXITED(child, 0);
}
