// A launcher that publishes its state in the environment; each worker puts its number there. Right: the worker keeps it in a variable.
#include "prefork.h"

static const char *number;

static void publish_state(void) {
    setenv("LAUNCHER_STATE", "ready", 1); // # thread
}

static void publish_number(void) {
    setenv("WORKER", "1", 1); // # worker
}

static void keep_number(void) {
    number = "1";
}

int main(int count, char **arguments) {
    (void)arguments;
    work_beside("publish-state", publish_state);
    return fork_worker(count > 1 ? keep_number : publish_number);
}
