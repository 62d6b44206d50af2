// A program that took seeds from the kernel before the fork: by calls, by a system call of its own, from the device.
// EXPECT: rng-shared severity=info state=open subject~PROGRAM sites=[role=used,frames.module~PROGRAM] count=1
#include "../../process.h"
#include <fcntl.h>
#include <sys/random.h>

int main(void) {
    char seed[32];
    CHECK(getrandom(seed, sizeof seed, 0) == sizeof seed && getentropy(seed, sizeof seed) == 0);
    CHECK(syscall(SYS_getrandom, seed, sizeof seed, 0) == sizeof seed);
    int device = open("/dev/urandom", O_RDONLY);
    CHECK(device >= 0 && read(device, seed, sizeof seed) == sizeof seed && close(device) == 0);
    fork_living_child();
    return 0;
}
