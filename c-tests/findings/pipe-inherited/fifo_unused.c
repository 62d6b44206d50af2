// A pipe with a name: a child holds the end that the leader writes to.
// EXPECT: pipe-inherited severity=info state=open subject~'1 end of a pipe' count=1
// STDERR-NOT: pipe-inherited
#include "../../process.h"
#include <fcntl.h>
#include <sys/stat.h>

int main(void) {
    CHECK(mkfifo("fifo", 0600) == 0);
    int reader = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int writer = open("fifo", O_WRONLY | O_CLOEXEC);
    CHECK(reader >= 0 && writer >= 0 && close(reader) == 0);
    fork_living_child();
    return 0;
}
