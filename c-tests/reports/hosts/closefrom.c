// The same by closefrom.
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
        closefrom(0);
        live();
    }
    EXITED(child, 0);
    return 0;
}
