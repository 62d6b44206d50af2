// ENV: FORKGUARD_FILES=own
// exit(3) in a child does not give back what the leader has read ahead from standard input; what the child itself has read ahead it does.
// EXPECT-EVENT: guarded guard=files subject~standard count=1
#include "../../process.h"
#include <fcntl.h>

static off_t place_after(int (*body)(void)) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        settle();
        exit(body());
    }
    EXITED(child, 0);
    return lseek(0, 0, SEEK_CUR);
}

static int nothing(void) { return 0; }
static int read_one(void) { return getchar() != 'b'; }

int main(void) {
    char path[] = "guard_files_input.XXXXXX";
    int file = mkstemp(path);
    CHECK(file >= 0 && write(file, "abc", 3) == 3 && close(file) == 0);
    CHECK((file = open(path, O_RDONLY)) >= 0 && dup2(file, 0) == 0 && close(file) == 0 && unlink(path) == 0);
    CHECK(getchar() == 'a' && lseek(0, 0, SEEK_CUR) == 3);
    CHECK(place_after(nothing) == 3);
    CHECK(place_after(read_one) == 2);
    return 0;
}
