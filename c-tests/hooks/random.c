// Random numbers of the C library and of the kernel: results and errno.
#include "driver.h"
#include <fcntl.h>
#include <sys/random.h>

SNIPPET(seeds) {
    unsigned char bytes[300] = {0};
    int any = 0;
    KEEPS_ERRNO(getrandom(bytes, sizeof bytes, 0) == sizeof bytes && getentropy(bytes, 256) == 0);
    KEEPS_ERRNO(syscall(SYS_getrandom, bytes, sizeof bytes, 0) == sizeof bytes);
    for (unsigned i = 0; i < sizeof bytes; i++)
        any |= bytes[i];
    CHECK(any);
    FAILS(EINVAL, getrandom(bytes, 1, ~0u));
    FAILS(EIO, getentropy(bytes, 257));
    int device = open("/dev/urandom", O_RDONLY);
    CHECK(device >= 0 && close(device) == 0);
}

SNIPPET(generators) {
    double number = drand48();
    CHECK(number >= 0 && number < 1 && lrand48() >= 0);
    long any = mrand48();
    CHECK(any >= INT32_MIN && any <= INT32_MAX);
    srand48(any);
}
