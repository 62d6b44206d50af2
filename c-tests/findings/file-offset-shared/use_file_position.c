// The child reads a file by the position that it shares with its leader; in a file that is appended to, and by places of its own, it
// moves nothing.
// EXPECT: file-offset-shared subject~read.txt count=1
// EXPECT: file-offset-shared subject~placed.txt count=1
// EXPECT-NOT: file-offset-shared subject~appended.txt
// EXPECT-EVENT: finding-state id~file-offset-shared state=hit count=1
// EXPECT-NO-EVENT: finding severity=error
#include "../../process.h"
#include <fcntl.h>

static int by_position, by_place, appended;

static void use_all(void) {
    char bytes[4];
    CHECK(read(by_position, bytes, 4) == 4 && lseek(by_position, 0, SEEK_SET) == 0);
    CHECK(pread(by_place, bytes, 4, 0) == 4 && lseek(by_place, 0, SEEK_CUR) == 8);
    CHECK(write(appended, bytes, 4) == 4);
}

int main(void) {
    by_position = open("read.txt", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    by_place = open("placed.txt", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    appended = open("appended.txt", O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
    CHECK(write(by_position, "12345678", 8) == 8 && write(by_place, "12345678", 8) == 8 && lseek(by_position, 0, SEEK_SET) == 0);
    fork_working_child(use_all);
    return 0;
}
