// A closed terminal's program is hung up although a later one's runs on.
// ENV: FORKGUARD_EXEC=clean
// EXPECT-LAST: fd-leaked-exec resolved subject~'the master of a pseudoterminal'
// EXPECT-LAST-NOT: fd-leaked-exec hit
#include "../../terminals.h"

int main(void) {
    struct terminal first = start_terminal(), second = start_terminal();
    CHECK(close(first.master) == 0);
    int status = status_of(first.program);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
    end_terminal(second.program);
    CHECK(close(second.master) == 0);
    return 0;
}
