// What must not allocate, run with `plugins/no_allocation.c` in front: lock hooks, and all of a fork from its call on, in main and in a signal
// handler, with everything there that a fork reports and a child hits. Its argument is a mistake, an allocation where there must be none: in-fork,
// in-handler.
#include "../forking_work.h"

__attribute__((weak)) void forbid_allocation(bool forbid);

static const char *mistake = "";
// The compiler must not see that it is for nothing.
static void *volatile block;

static void allocate(void) {
    block = malloc(1);
    free(block);
}

static void handler(int unused) {
    (void)unused;
    forbid_allocation(true);
    if (strcmp(mistake, "in-handler") == 0)
        allocate();
    work();
    forbid_allocation(false);
}

int main(int count, char **arguments) {
    mistake = count > 1 ? arguments[1] : mistake;
    CHECK(forbid_allocation != NULL);
    prepare_work(handler);
    if (strcmp(mistake, "in-fork") == 0)
        CHECK(pthread_atfork(NULL, NULL, allocate) == 0);
    forbid_allocation(true);
    work();
    forbid_allocation(false);
    CHECK(raise(SIGUSR1) == 0);
    puts("worked");
    return 0;
}
