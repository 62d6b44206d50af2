// ENV: FORKGUARD_MEMORY=trim
// FLAGS: -rdynamic
// Functions of the program's that are called like those of allocators are not called.
// EXPECT-EVENT: child cures=[guard=memory,action~'given back',subject~kB]
#include "fixture.h"

int calls;

int mallctl(int first) { return calls += first; }
void mi_collect(void) { calls++; }

int main(void) {
    fork_after_freeing(has_less);
    CHECK(calls == 0);
    return 0;
}
