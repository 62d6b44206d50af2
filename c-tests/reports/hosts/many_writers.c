// 64 children write at once: every line is whole, none is missing.
// ENV: FORKGUARD_SUMMARY=never
// EXPECT-EVENT: fork kind=fork count=64
// EXPECT-EVENT: child count=64
#include "../../process.h"
#include <sys/mman.h>

enum { CHILDREN = 64 };

int main(void) {
    atomic_bool *go = mmap(NULL, sizeof *go, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[CHILDREN];
    CHECK(go != MAP_FAILED);
    for (int index = 0; index < CHILDREN; index++) {
        CHECK((children[index] = fork()) >= 0);
        if (children[index] == 0) {
            while (!*go)
                syscall(SYS_sched_yield);
            live();
        }
    }
    *go = true;
    for (int index = 0; index < CHILDREN; index++)
        EXITED(children[index], 0);
    return 0;
}
