// A fixup blocks where no hook looks: the last word of the report names it.
// EXPECT-EVENT: fixup name=blocks progress=begins count=1
// EXPECT-NO-EVENT: fixup progress=done
// EXPECT-NO-EVENT: child
#include "fixture.h"

static void blocks(void *pipe) {
    char byte;
    syscall(SYS_read, *(int *)pipe, &byte, 1);
}

int main(void) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    registered("blocks", blocks, ends);
    pid_t child = fork();
    CHECK(child >= 0);
    CHECK(child > 0 && "the fixup returned");
    char own[32];
    snprintf(own, sizeof own, "\"pid\":%d,", child);
    EVENTUALLY(reports(own, "\"event\":\"fixup\",\"name\":\"blocks\",\"progress\":\"begins\""));
    until_blocked_in(SYS_read, child);
    CHECK(kill(child, SIGKILL) == 0);
    status_of(child);
    return 0;
}
