// FORKGUARD_FILES=own keeps a file that was made right before the fork, too, however the handler names it: below a directory that it opens.
// ENV: FORKGUARD_FILES=own
// EXPECT-NOT: exit-handler-inherited severity=warning
// EXPECT-LAST: exit-handler-inherited resolved because~forkguard
// STDERR-NOT: exit-handler-inherited
#include "../../check.h"
#include <fcntl.h>

static char directory[] = "exit_handler.XXXXXX";

static void clean_up(void) {
    int opened = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(opened >= 0 && unlinkat(opened, "page", 0) == 0 && unlinkat(opened, "lock", 0) == 0 && close(opened) == 0);
    CHECK(unlinkat(AT_FDCWD, directory, AT_REMOVEDIR) == 0);
}

int main(void) {
    char page[64], lock[64];
    CHECK(mkdtemp(directory) == directory && atexit(clean_up) == 0);
    snprintf(page, sizeof page, "%s/page", directory);
    snprintf(lock, sizeof lock, "%s/lock", directory);
    int file = open(page, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    FILE *stream = fopen(lock, "w");
    CHECK(file >= 0 && close(file) == 0 && stream && fclose(stream) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        exit(0);
    EXITED(child, 0);
    CHECK(access(page, F_OK) == 0 && access(lock, F_OK) == 0);
    return 0;
}
