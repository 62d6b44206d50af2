// A fixup crashes: the last event of the report names it, and the child ends as it would without the library.
// EXPECT-EVENT: fixup name=before progress=done count=1
// EXPECT-EVENT: fixup name=crashes progress=begins count=1
// EXPECT-NO-EVENT: fixup name=crashes progress=done
// EXPECT-NO-EVENT: fixup name=after
#include "fixture.h"

static void crashes(void *unused) {
    (void)unused;
    abort();
}

int main(void) {
    registered("before", log_it, "b");
    registered("crashes", crashes, NULL);
    registered("after", log_it, "a");
    pid_t child = fork();
    CHECK(child >= 0);
    CHECK(child > 0 && "the fixup returned");
    int status = status_of(child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    return 0;
}
