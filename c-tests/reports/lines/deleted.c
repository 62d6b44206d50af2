// The program's file is deleted before the first fork: another one may lie there by now.
// EXPECT: lock-orphaned count=1
// EXPECT-NOT: lock-orphaned at~lines
#include "fixture.h"

int main(void) {
    start_worker(take_and_stay);
    char path[4096];
    delete_program(path);
    fork_living_child();
    return 0;
}
