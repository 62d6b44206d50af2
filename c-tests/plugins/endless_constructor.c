// Loaded by lock_libc_dlopen.c.
#include <unistd.h>

__attribute__((constructor)) static void constructor(void) {
    for (;;)
        pause();
}
