// Handlers of the leader's remove its file in a child that ends by exit.
// EXPECT: exit-handler-inherited severity=info state=open subject~remove_file sites=[role=registered,frames.module~PROGRAM] sites=[role=code]
// EXPECT: exit-handler-inherited severity=info state=open subject~rename_file
// EXPECT: exit-handler-inherited severity=warning state=hit subject~removes subject~exit_handler sites=[role=used,frames.module~PROGRAM] count=1
// EXPECT: exit-handler-inherited severity=warning state=hit subject~renames subject~exit_handler
// STDERR: exit-handler-inherited (warning)
#include "fixture.h"

static void remove_file(void) { unlink(path); }
static void rename_file(int status, void *name) { CHECK(status == 3 || getpid() == registered_in); rename(path, name); }

int main(void) {
    make_file();
    CHECK(atexit(remove_file) == 0 && on_exit(rename_file, "exit_handler.renamed") == 0);
    pid_t child = fork();
    if (child == 0)
        exit(3);
    EXITED(child, 3);
    CHECK(access(path, F_OK) == -1 && access("exit_handler.renamed", F_OK) == 0);
    strcpy(path, "exit_handler.renamed");
    child = fork();
    if (child == 0)
        exit(3);
    EXITED(child, 3);
    CHECK(access(path, F_OK) == -1);
    return 0;
}
