// A segment of shared memory is mapped: nobody uses its position.
// EXPECT-NOT: file-offset-shared
#include "../../process.h"
#include <fcntl.h>
#include <sys/mman.h>

int main(void) {
    char name[64];
    snprintf(name, sizeof name, "/forkguard-segment-%d", getpid());
    int segment = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(segment >= 0 && shm_unlink(name) == 0 && ftruncate(segment, 4096) == 0);
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, segment, 0) != MAP_FAILED);
    fork_living_child();
    return 0;
}
