// The same by posix_spawn, without attributes that would give the signals back.
// ENV: FORKGUARD=observe
// EXPECT: signals-blocked severity=warning state=hit count=1 subject~'SIGQUIT blocked, SIGTERM ignored in' subject~true
#include "../../programs.h"

int main(void) {
    block(SIGQUIT);
    CHECK(signal(SIGTERM, SIG_IGN) != SIG_ERR);
    spawn_true(NULL);
    return 0;
}
