// Another program lies where this one was: nothing is taken from it.
// EXPECT: lock-orphaned count=1
// EXPECT-NOT: lock-orphaned at~:
#include "fixture.h"
#include <fcntl.h>
#include <sys/sendfile.h>

int main(void) {
    start_worker(take_and_stay);
    char path[4096];
    delete_program(path);
    int from = open("/bin/true", O_RDONLY), to = open(path, O_WRONLY | O_CREAT | O_EXCL, 0700);
    CHECK(from >= 0 && to >= 0 && sendfile(to, from, NULL, 1 << 20) > 0);
    close(from);
    close(to);
    fork_living_child();
    return 0;
}
