// A child reads where it set the position itself, but its leader has moved it meanwhile: once right after the child's lseek, once between two reads.
// EXPECT: file-offset-shared severity=error state=hit subject~first.txt subject~another count=1
// EXPECT: file-offset-shared severity=error state=hit subject~second.txt subject~another count=1
// EXPECT: file-offset-shared severity=error count=2
// EXPECT-EVENT: finding-state id~file-offset-shared state=hit
// STDERR: moved the position after this one had set it
// STDERR: use_after_lseek
#include "../../process.h"
#include <fcntl.h>
#include <sys/mman.h>

static atomic_int *turn;

// The leader moves this file now.
static void let_leader_move(void) {
    int before = (*turn)++;
    while (*turn != before + 2)
        sched_yield();
}

static void move_when_told(int fd) {
    int told = *turn | 1;
    while (*turn != told)
        sched_yield();
    CHECK(lseek(fd, 2, SEEK_SET) == 2);
    ++*turn;
}

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

static int open_file(const char *name) {
    int fd = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, "0123456789", 10) == 10);
    return fd;
}

int main(void) {
    turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(turn != MAP_FAILED);
    int first = open_file("first.txt"), second = open_file("second.txt");
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
