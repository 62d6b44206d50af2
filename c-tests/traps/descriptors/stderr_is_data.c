// Standard error is data: of a child whose output and errors a program catches together, of a program that it executes and whose errors it
// reads, of a service whose descriptors 0 to 2 are its client's connection. Each gets what was written there, and nothing else.
#include "../../sockets.h"

// All that comes, up to the end.
static void show(const char *what, int from) {
    char text[9000];
    size_t length = 0;
    ssize_t count;
    while ((count = read(from, text + length, sizeof text - 1 - length)) > 0)
        length += count;
    CHECK(count == 0 && close(from) == 0);
    text[length] = 0;
    printf("%s: [%s]\n", what, text);
}

// It lives long enough for a summary.
__attribute__((noreturn)) static void answer(void) {
    poll(NULL, 0, 0);
    CHECK(write(1, "data\n", 5) == 5);
    _exit(0);
}

// A child with these descriptors; with a program it executes that.
static pid_t start(int in, int out, int errors, const char *program) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child != 0)
        return child;
    CHECK(dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(errors, 2) == 2);
    CHECK(close_range(3, ~0U, 0) == 0);
    if (program == NULL)
        answer();
    execl(program, program, "executed", NULL);
    _exit(9);
}

static void together(const char *program) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = start(0, ends[1], ends[1], program);
    CHECK(close(ends[1]) == 0);
    show("output and errors", ends[0]);
    EXITED(child, 0);
}

static void apart(const char *program) {
    int output[2], errors[2];
    CHECK(pipe(output) == 0 && pipe(errors) == 0);
    pid_t child = start(0, output[1], errors[1], program);
    CHECK(close(output[1]) == 0 && close(errors[1]) == 0);
    show("output", output[0]);
    show("errors", errors[0]);
    EXITED(child, 0);
}

static void serve(int connection, int client, const char *program) {
    pid_t child = start(connection, connection, connection, program);
    CHECK(close(connection) == 0);
    show("client", client);
    EXITED(child, 0);
}

static void serve_network(const char *program) {
    struct address address = v4_loopback();
    int listener = listen_at(&address), client = connect_to(&address);
    int connection = accept(listener, NULL, NULL);
    CHECK(connection >= 0 && close(listener) == 0);
    serve(connection, client, program);
}

static void serve_locally(const char *program) {
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    serve(ends[0], ends[1], program);
}

int main(int count, char **arguments) {
    start_worker(stay_idle);
    if (count > 1) {
        EXITED(start(0, 1, 2, NULL), 0);
        return 0;
    }
    const char *programs[] = {NULL, arguments[0]};
    for (int index = 0; index < 2; index++) {
        together(programs[index]);
        serve_network(programs[index]);
        serve_locally(programs[index]);
    }
    apart(arguments[0]);
    return 0;
}
