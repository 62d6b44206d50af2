// ENV: FORKGUARD_FILES=own
// More files than are opened again at the fork: each gets a position of its own when the child first reads it or moves in it, by whatever call;
// those that go by two numbers stay shared.
// EXPECT-EVENT: child cures=[guard=files,action~again]
// EXPECT: file-offset-shared count=202
#include "../../process.h"
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

enum { FILES = 200 };
static int files[FILES], copied[2];

static char next(int file) {
    char byte;
    CHECK(read(file, &byte, 1) == 1);
    return byte;
}

static void use(void) {
    char byte;
    int null = open("/dev/null", O_WRONLY);
    for (int index = 0; index < FILES; index += 4) {
        CHECK(next(files[index]) == 'b');
        CHECK(readv(files[index + 1], &(struct iovec){&byte, 1}, 1) == 1 && byte == 'b');
        CHECK(lseek(files[index + 2], 1, SEEK_CUR) == 2);
        CHECK(sendfile(null, files[index + 3], NULL, 1) == 1 || errno == EINVAL);
    }
    CHECK(next(copied[0]) == 'a' && next(copied[1]) == 'b');
}

int main(void) {
    char path[] = "guard_files_own_many.XXXXXX";
    int written = mkstemp(path);
    CHECK(written >= 0 && write(written, "abc", 3) == 3 && close(written) == 0);
    for (int index = 0; index < FILES; index++)
        CHECK((files[index] = open(path, O_RDONLY)) >= 0 && next(files[index]) == 'a');
    CHECK((copied[0] = open(path, O_RDONLY)) >= 0 && (copied[1] = dup(copied[0])) >= 0 && unlink(path) == 0);
    fork_working_child(use);
    for (int index = 0; index < FILES; index++)
        CHECK(next(files[index]) == 'b');
    CHECK(next(copied[0]) == 'c');
    return 0;
}
