// Nothing waits at the fork but what goes nowhere: what the child writes into the stream afterwards is its own.
// EXPECT-NOT: buffer-duplicated
// EXPECT-EVENT: fork kind=fork
#include "fixture.h"

int main(void) {
    FILE *stream = stream_with_line(), *nowhere = fopen("/dev/null", "w");
    CHECK(fflush(NULL) == 0 && nowhere && fputs("nothing\n", nowhere) >= 0);
    pid_t child = fork();
    if (child == 0) {
        fputs("of the child\n", stream);
        exit(0);
    }
    EXITED(child, 0);
    CHECK(fclose(stream) == 0 && lines() == 1);
    remove_file();
    return 0;
}
