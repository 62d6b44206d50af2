// The same past all hooks, and every number belongs to a file of the program then: not a byte of ours goes there.
// ENV: FORKGUARD_SUMMARY=never
// EXPECT-EVENT: fork kind=fork count=1
#include "../../process.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

int main(void) {
    CHECK(setrlimit(RLIMIT_NOFILE, &(struct rlimit){2048, 2048}) == 0);
    start_worker(stay_idle);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(syscall(SYS_close_range, 0U, ~0U, 0U) == 0);
        while (open("own.txt", O_CREAT | O_RDWR | O_APPEND, 0600) >= 0)
            ;
        CHECK(errno == EMFILE);
        poll(NULL, 0, 10);
        struct stat status;
        CHECK(fstat(0, &status) == 0 && status.st_size == 0);
        live();
    }
    EXITED(child, 0);
    return 0;
}
