// The port of a server is free again although its helpers live on; what is handed on by its number is not taken away, nor from the program
// itself that starts anew.
// ENV: FORKGUARD_EXEC=clean
// EXPECT-LAST: fd-leaked-exec resolved subject~'the socket at 127.0.0.1'
// EXPECT-LAST-NOT: fd-leaked-exec hit
#include "../../leaks.h"

static char number[16];

static int listens(int fd) {
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value == 1;
}

int main(int count, char **arguments) {
    if (count > 1)
        return listens(atoi(arguments[1])) ? 0 : 1;
    struct address address = v4_loopback();
    int listener = listen_leaking(&address);
    CHECK(system("sleep 60 >/dev/null 2>&1 & echo $! > helper") == 0);
    snprintf(number, sizeof number, "%d", listener);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "again", number, (char *)NULL);
        _exit(127);
    }
    EXITED(child, 0);
    CHECK(listens(listener) && close(listener) == 0);
    int again = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(again >= 0 && bind(again, &address.any, address.size) == 0 && listen(again, 1) == 0);
    FILE *helper = fopen("helper", "r");
    int process;
    CHECK(helper && fscanf(helper, "%d", &process) == 1 && kill(process, SIGKILL) == 0);
    CHECK(fclose(helper) == 0);
    snprintf(number, sizeof number, "%d", again);
    execl("/proc/self/exe", "again", number, (char *)NULL);
    return 127;
}
