// A server starts its own executable anew, by its path and by a script that it interprets, and hands its sockets on; another one hands
// them on as systemd does.
// ENV: FORKGUARD=observe
// EXPECT-NOT: fd-leaked-exec
// EXPECT-EVENT: fork kind=fork count=3
#include "../../leaks.h"
#include <sys/stat.h>

static void hand_on(void) {
    CHECK(setenv("LISTEN_FDS", "1", 1) == 0);
}

static void start_own(void) {
    CHECK(execl("/proc/self/exe", "again", "again", (char *)NULL) == 0);
}

static void start_script(void) {
    char own[4096];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    CHECK(length > 0);
    own[length] = 0;
    FILE *script = fopen("script", "we");
    CHECK(script && fprintf(script, "#!%s\n", own) > 0 && fclose(script) == 0 && chmod("script", 0700) == 0);
    CHECK(execl("./script", "script", "again", (char *)NULL) == 0);
}

int main(int count, char **arguments) {
    (void)arguments;
    if (count > 1)
        return 0;
    struct address address = v4_loopback();
    listen_leaking(&address);
    fork_and_execute(start_own);
    fork_and_execute(start_script);
    fork_and_execute(hand_on);
    return 0;
}
