// Forks one child that lives on, with a thread lost in it: what the tests of options run.
#include "../findings/worker.h"

static void work(void) {
}
