// The usual one: a line on standard output, which is no terminal, and a child that returns from main.
// EXPECT: buffer-duplicated severity=error state=hit subject~stdout count=1
#include "fixture.h"

int main(void) {
    CHECK(setvbuf(stdout, NULL, _IOFBF, 1024) == 0);
    puts("started");
    pid_t child = fork();
    if (child == 0)
        return 0;
    EXITED(child, 0);
    return 0;
}
