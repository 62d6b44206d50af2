// Libraries that come after ours wrap functions, too: one that can be searched by DT_HASH only, one whose function is chosen by a resolver,
// one that only seems to.
// PLUGIN: exports_nothing wraps_by_hash wraps_indirectly
// LIBS: -Wl,--no-as-needed -lexports_nothing -lwraps_by_hash -lwraps_indirectly
#include "../../check.h"
#include <fcntl.h>

extern int closed, forked, opened;

int main(void) {
    FAILS(EBADF, close(99));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        _exit(0);
    EXITED(child, 0);
    FAILS(ENOENT, creat("/nonexistent/file", 0600));
    printf("closed %d, forked %d, opened %d\n", closed, forked, opened);
    return closed != 1 || forked != 1 || opened != 1;
}
