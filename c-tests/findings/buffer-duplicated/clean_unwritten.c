// A child that ends by _exit, executes a program, drops its copy, closes the descriptor or has put another one there writes nothing of it.
// EXPECT: buffer-duplicated severity=info count=5
// EXPECT-NOT: buffer-duplicated state=hit
#include "fixture.h"
#include <fcntl.h>
#include <stdio_ext.h>

static void end(FILE *stream) { (void)stream; _exit(0); }
static void execute(FILE *stream) { (void)stream; execl("/bin/true", "true", NULL); }
static void drop(FILE *stream) { __fpurge(stream); exit(0); }
static void close_it(FILE *stream) { close(fileno(stream)); exit(0); }
static void redirect(FILE *stream) { CHECK(dup2(open("/dev/null", O_WRONLY), fileno(stream)) >= 0); exit(0); }

int main(void) {
    void (*const ways[])(FILE *) = {end, execute, drop, close_it, redirect};
    for (int i = 0; i < 5; i++) {
        strcpy(path, "buffer_duplicated.XXXXXX");
        FILE *stream = stream_with_line();
        pid_t child = fork();
        if (child == 0)
            ways[i](stream);
        EXITED(child, 0);
        CHECK(fclose(stream) == 0 && lines() == 1);
        remove_file();
    }
    return 0;
}
