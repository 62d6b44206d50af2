// A client of a real server: the leader asks, two children one after the other, each twice, and the leader again. Each answer is printed with whether
// it came in the session of the first one. Children end as a program ends.
#pragma once
#include "../check.h"

// The answer in `answer` and the session it was given in; false, with a text in `answer`, when the server has gone: the client has connected anew.
static bool ask(int number, char *answer, size_t size, long *session);

static long first;

static void attempt(const char *who, int number) {
    char answer[256];
    long session = 0;
    if (ask(number, answer, sizeof answer, &session))
        printf("%s: %s in %s session\n", who, answer, session == first ? "the same" : "another");
    else
        printf("%s: %s\n", who, answer);
    fflush(stdout);
}

static void ask_in_leader_and_children(void) {
    char answer[256];
    CHECK(ask(1, answer, sizeof answer, &first));
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            attempt("child", 2);
            attempt("child", 3);
            return;
        }
        EXITED(child, 0);
    }
    attempt("leader", 4);
}
