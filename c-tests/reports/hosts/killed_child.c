// Children killed at any moment of their first steps leave whole lines.
// ENV: FORKGUARD_SUMMARY=never
// EXPECT-EVENT: fork kind=fork count=100
#include "../../process.h"

int main(void) {
    start_worker(stay_idle);
    for (int round = 0; round < 100; round++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            for (;;)
                poll(NULL, 0, 0);
        }
        syscall(SYS_nanosleep, &(struct timespec){.tv_nsec = round * 20000}, NULL);
        CHECK(kill(child, SIGKILL) == 0);
        CHECK(WTERMSIG(status_of(child)) == SIGKILL);
    }
    return 0;
}
