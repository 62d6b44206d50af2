// C++'s files in which nothing waits at the fork, though both write the same line afterwards; of which the child writes nothing; that are closed, or only read.
// EXPECT: buffer-duplicated severity=info count=1
// EXPECT-NOT: buffer-duplicated state=hit
// STDERR-NOT: buffer-duplicated
#include "../../check.h"
#include <fstream>
#include <memory>

int main() {
    auto closed = std::make_unique<std::ofstream>("closed.log");
    *closed << "started\n";
    closed.reset();
    std::ifstream read("closed.log");
    std::ofstream flushed("flushed.log", std::ios::app);
    flushed << "ready\n" << std::flush;
    pid_t child = fork();
    if (child == 0) {
        flushed << "ready\n" << std::flush;
        _exit(0);
    }
    flushed << "ready\n" << std::flush;
    EXITED(child, 0);
    std::ofstream unwritten("unwritten.log");
    unwritten << "started\n";
    child = fork();
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
    return 0;
}
