// accepts CONNECTIONS: a leader that listens and a forked worker that accepts and closes: connections a second.
// Prints the port first. Worker and client share a processor, so that each connection's whole cost counts.
#include "bench.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

int main(int argc, char **argv) {
    long connections = argument(argc, argv, 1, 10000);
    pin();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    must(!bind(listener, (struct sockaddr *)&address, length) && !listen(listener, 1024), "listen");
    must(!getsockname(listener, (struct sockaddr *)&address, &length), "getsockname");
    // A reset leaves no TIME_WAIT behind that a later run would meet.
    struct linger reset = {.l_onoff = 1};
    must(!setsockopt(listener, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), "SO_LINGER");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);

    pid_t worker = fork();
    must(worker >= 0, "fork");
    if (worker == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        double start = 0;
        for (long i = 0; i < connections; i++) {
            int connection = accept(listener, NULL, NULL);
            must(connection >= 0, "accept");
            if (i == 0)
                start = nanoseconds(CLOCK_MONOTONIC);
            close(connection);
        }
        print_figure((double)(connections - 1) / (nanoseconds(CLOCK_MONOTONIC) - start) * 1e9);
        _exit(0);
    }
    int status;
    must(waitpid(worker, &status, 0) == worker && status == 0, "the worker");
    return 0;
}
