// ENV: FORKGUARD_FILES=own
// Leader and child read one file, each at its own place; a file that is locked or written, one that goes by two numbers, and standard input
// stay shared.
// EXPECT-EVENT: child cures=[guard=files,action~again]
// EXPECT-EVENT: child cures=[guard=files,failed=16]
// EXPECT-LAST: file-offset-shared resolved because~forkguard count=1
#include "../../process.h"
#include <fcntl.h>
#include <sys/file.h>

static int shared, locked, written, copied[2];

static char next(int file) {
    char byte;
    CHECK(read(file, &byte, 1) == 1);
    return byte;
}

static void use(void) {
    CHECK((fcntl(shared, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == (O_RDONLY | O_NONBLOCK));
    CHECK(fcntl(shared, F_GETFD) == 0 && fcntl(locked, F_GETFD) == FD_CLOEXEC);
    CHECK(next(shared) == 'b' && next(locked) == 'a' && next(0) == 'a');
    CHECK(next(copied[0]) == 'a' && next(copied[1]) == 'b');
    CHECK(write(written, "child", 5) == 5);
}

int main(void) {
    char path[] = "guard_files_own.XXXXXX";
    CHECK((written = mkstemp(path)) >= 0);
    CHECK(write(written, "abc", 3) == 3);
    CHECK((shared = open(path, O_RDONLY | O_NONBLOCK)) >= 0 && (locked = open(path, O_RDONLY | O_CLOEXEC)) >= 0);
    CHECK((copied[0] = open(path, O_RDONLY)) >= 0 && (copied[1] = dup(copied[0])) >= 0);
    int input = open(path, O_RDONLY);
    CHECK(dup2(input, 0) == 0 && close(input) == 0 && unlink(path) == 0);
    CHECK(flock(locked, LOCK_EX) == 0);
    CHECK(next(shared) == 'a');
    fork_working_child(use);
    CHECK(next(shared) == 'b' && next(locked) == 'b' && next(0) == 'b');
    CHECK(lseek(written, 0, SEEK_CUR) == 8);
    return 0;
}
