// Masters that the other calls made leak into a program, too: openpty, posix_openpt, getpt, and the device by its name.
// ENV: FORKGUARD=observe
// EXPECT: fd-leaked-exec severity=warning state=hit count=4 subject~'the master of a pseudoterminal'
// EXPECT-NO-EVENT: finding severity=error
#include "../../programs.h"
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>

int main(void) {
    int master, slave;
    CHECK(openpty(&master, &slave, NULL, NULL, NULL) == 0);
    CHECK(posix_openpt(O_RDWR | O_NOCTTY) > slave);
    CHECK(getpt() > slave && open("/dev/ptmx", O_RDWR | O_NOCTTY) > slave);
    fork_and_execute(NULL);
    return 0;
}
