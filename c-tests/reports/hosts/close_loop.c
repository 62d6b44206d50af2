// The same by closing one after another.
// EXPECT-EVENT: fork kind=fork count=1
// EXPECT-EVENT: child settled=poll findings.warning=1 count=1
#include "../../process.h"

static void *body(void *unused) {
    (void)unused;
    stay();
}

int main(void) {
    start_worker(body);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        for (int fd = 0; fd < 4096; fd++)
            close(fd);
        live();
    }
    EXITED(child, 0);
    return 0;
}
