// C++'s cout writes through the C library: code of C++'s own library is not told as who wrote, nor what wrote before it.
// EXPECT: buffer-duplicated severity=error state=hit subject~stdout count=1
// EXPECT-NOT: buffer-duplicated sites=[role=written]
#include "../../check.h"
#include <iostream>

int main() {
    CHECK(setvbuf(stdout, nullptr, _IOFBF, 4096) == 0);
    puts("starting");
    std::cout << "started\n";
    pid_t child = fork();
    if (child == 0)
        exit(0);
    EXITED(child, 0);
    return 0;
}
