// Forks one child that lives on, with a thread lost in it: what the tests of options run.
#include "../living_child.h"

static void worker_body(void) {
}
