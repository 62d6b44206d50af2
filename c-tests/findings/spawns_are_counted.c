// Ways that run no atfork handlers, many of them: the process tells at its end how many there were.
// EXPECT-EVENT: exit spawns=20 forks=0 count=1
#include "fixture.h"

int main(void) {
    for (int round = 0; round < 20; round++) {
        pid_t child = vfork();
        CHECK(child >= 0);
        if (child == 0)
            _exit(0);
        EXITED(child, 0);
    }
    return 0;
}
