// Programs that read a pipe until its end, as careful with the ends of pipes as they are told to be.
#pragma once
#include "check.h"
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

enum way { BY_FORK, BY_VFORK, BY_POSIX_SPAWN };
// What of the pipes' ends the child leaves open: none; those of other filters; the other end of its own.
enum care { CAREFUL, NEGLECTS_OTHERS, NEGLECTS_OWN };

struct filter {
    pid_t process;
    int input;
};

static pid_t filter_by_posix_spawn(const int *ends, enum care care) {
    posix_spawn_file_actions_t actions;
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, ends[0], 0) == 0);
    CHECK(posix_spawn_file_actions_addclose(&actions, ends[0]) == 0);
    CHECK(posix_spawn_file_actions_addclose(&actions, ends[1]) == 0);
    if (care == CAREFUL)
        CHECK(posix_spawn_file_actions_addclosefrom_np(&actions, 3) == 0);
    pid_t process;
    CHECK(posix_spawnp(&process, "cat", &actions, NULL, (char *[]){"cat", NULL}, environ) == 0);
    CHECK(posix_spawn_file_actions_destroy(&actions) == 0);
    return process;
}

__attribute__((unused)) static struct filter start_filter(enum way way, enum care care) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t process = way == BY_POSIX_SPAWN ? filter_by_posix_spawn(ends, care) : way == BY_FORK ? fork() : vfork();
    CHECK(process >= 0);
    if (process == 0) {
        dup2(ends[0], 0);
        close(ends[0]);
        if (care != NEGLECTS_OWN)
            close(ends[1]);
        if (care == CAREFUL)
            close_range(3, ~0U, 0);
        execlp("cat", "cat", (char *)NULL);
        _exit(127);
    }
    CHECK(close(ends[0]) == 0);
    return (struct filter){.process = process, .input = ends[1]};
}

__attribute__((unused)) static void end_filter(struct filter filter) {
    CHECK(close(filter.input) == 0);
    EXITED(filter.process, 0);
}
