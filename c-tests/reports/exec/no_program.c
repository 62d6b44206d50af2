// A file that may be executed but is no program: the exec fails, the child lives on.
// EXPECT-NO-EVENT: exec
// EXPECT-EVENT: child count=1
#include "../../process.h"
#include <fcntl.h>

int main(void) {
    int file = open("script", O_CREAT | O_WRONLY, 0700);
    CHECK(file >= 0 && write(file, "exit 0\n", 7) == 7 && close(file) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        FAILS(ENOEXEC, execl("./script", "x", (char *)NULL));
        live();
    }
    EXITED(child, 0);
    return 0;
}
