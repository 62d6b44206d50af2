// ENV: FORKGUARD_BUFFERS=drop
// What waited in the leader's stream is written once; what the child wrote behind it is written, too.
// EXPECT-LAST: buffer-duplicated resolved because~forkguard count=2
// EXPECT-NOT: buffer-duplicated state=hit
#include "../../findings/buffer-duplicated/fixture.h"

static int child_lines(void) {
    char text[256] = "";
    FILE *file = fopen(path, "r");
    CHECK(file && fread(text, 1, sizeof text - 1, file) > 0 && fclose(file) == 0);
    return strstr(text, "of the child\n") != NULL;
}

static void by_exit(FILE *stream) { (void)stream; exit(0); }
static void by_fclose(FILE *stream) { fclose(stream); _exit(0); }

int main(void) {
    void (*const ways[])(FILE *) = {by_exit, by_fclose};
    for (int i = 0; i < 2; i++) {
        strcpy(path, "buffer_duplicated.XXXXXX");
        FILE *stream = stream_with_line();
        pid_t child = fork();
        if (child == 0) {
            fputs("of the child\n", stream);
            ways[i](stream);
        }
        EXITED(child, 0);
        CHECK(fclose(stream) == 0 && lines() == 1 && child_lines());
        remove_file();
    }
    return 0;
}
