// A child reads where it set the position itself, but its leader has moved it meanwhile: once right after the child's lseek, once between two reads.
// EXPECT: file-offset-shared severity=error state=hit subject~first.txt subject~another count=1
// EXPECT: file-offset-shared severity=error state=hit subject~second.txt subject~another count=1
// EXPECT: file-offset-shared severity=error count=2
// EXPECT-EVENT: finding-state id~file-offset-shared state=hit
// STDERR: moved the position after this one had set it
// STDERR: use_after_lseek
#include "fixture.h"

__attribute__((noinline)) static void use_after_lseek(int fd) {
    char bytes[4];
    CHECK(lseek(fd, 4, SEEK_SET) == 4);
    let_leader_move();
    CHECK(read(fd, bytes, 4) == 4 && bytes[0] == '2');
    // Once is enough.
    CHECK(lseek(fd, 4, SEEK_SET) == 4);
    let_leader_move();
    CHECK(read(fd, bytes, 4) == 4);
}

__attribute__((noinline)) static void use_between_reads(int fd) {
    char bytes[4];
    CHECK(lseek(fd, 4, SEEK_SET) == 4 && read(fd, bytes, 2) == 2 && bytes[0] == '4');
    let_leader_move();
    CHECK(read(fd, bytes, 2) == 2 && bytes[0] == '2');
}

int main(void) {
    begin_turns();
    int first = open_digits("first.txt"), second = open_digits("second.txt");
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        use_after_lseek(first);
        use_between_reads(second);
        live();
    }
    move_when_told(first);
    move_when_told(first);
    move_when_told(second);
    EXITED(child, 0);
    return 0;
}
