// The child writes its copy of what waited, in every way that there is.
// EXPECT: buffer-duplicated severity=info state=open subject~buffer_duplicated count=4
// EXPECT: buffer-duplicated severity=error state=hit sites=[role=opened,frames.module~PROGRAM] sites=[role=fork,frames.module~PROGRAM] count=4
// EXPECT: buffer-duplicated state=hit sites=[role=used,frames.module~PROGRAM] count=3
// EXPECT-LAST: buffer-duplicated hit severity=info count=4
// STDERR: buffer-duplicated (error)
#include "fixture.h"

static void by_exit(FILE *stream) { (void)stream; exit(0); }
static void by_fflush(FILE *stream) { fflush(stream); _exit(0); }
static void by_fclose(FILE *stream) { fclose(stream); _exit(0); }

static void by_a_full_buffer(FILE *stream) {
    for (int i = 0; i < 4000; i++)
        fputs("more and more\n", stream);
    _exit(0);
}

int main(void) {
    void (*const ways[])(FILE *) = {by_exit, by_fflush, by_fclose, by_a_full_buffer};
    for (int i = 0; i < 4; i++) {
        strcpy(path, "buffer_duplicated.XXXXXX");
        FILE *stream = stream_with_line();
        pid_t child = fork();
        if (child == 0)
            ways[i](stream);
        EXITED(child, 0);
        CHECK(fclose(stream) == 0 && lines() >= 1 + (i < 3));
        remove_file();
    }
    return 0;
}
