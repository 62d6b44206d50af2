// posix_spawn.
// EXPECT-EVENT: fork kind=posix-spawn count=1
// EXPECT-NO-EVENT: fork kind=fork
#include "../../process.h"
#include <spawn.h>

int main(void) {
    pid_t child;
    CHECK(posix_spawn(&child, "/bin/true", NULL, NULL, (char *[]){"true", NULL}, (char *[]){NULL}) == 0);
    EXITED(child, 0);
    return 0;
}
