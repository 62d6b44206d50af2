// A child that shares positions and is not misled: it sets the position before each read, or never (processes that take records in turns), or it moved
// the position itself, past the calls that set it: by a copy, a stream, another thread, a child of its own, or a call that says no length.
// EXPECT: file-offset-shared severity=info count=16
// EXPECT-NO-EVENT: finding severity=error
#include "fixture.h"
#include <sys/sendfile.h>
#include <sys/uio.h>

enum { SETS, NEVER_SETS, COPIES, STREAMS, THREADS, FORKS, SENDS, VECTORS, FILES };

static int files[FILES];

static char next_byte(int fd) {
    char byte;
    CHECK(read(fd, &byte, 1) == 1);
    return byte;
}

static void set_position(int fd) {
    CHECK(lseek(fd, 4, SEEK_SET) == 4);
}

static void *read_in_thread(void *unused) {
    CHECK(next_byte(files[THREADS]) == '4');
    return unused;
}

static void move_by_oneself(void) {
    int copy = dup(files[COPIES]);
    set_position(files[COPIES]);
    CHECK(next_byte(copy) == '4' && close(copy) == 0 && next_byte(files[COPIES]) == '5');

    FILE *stream = fdopen(files[STREAMS], "r");
    set_position(files[STREAMS]);
    CHECK(stream && fgetc(stream) == '4' && read(files[STREAMS], &(char){0}, 1) == 0);

    pthread_t thread;
    set_position(files[THREADS]);
    CHECK(pthread_create(&thread, NULL, read_in_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(next_byte(files[THREADS]) == '5');

    set_position(files[FORKS]);
    pid_t child = fork();
    if (child == 0)
        _exit(next_byte(files[FORKS]) != '4');
    EXITED(child, 0);
    CHECK(next_byte(files[FORKS]) == '5');

    int out = open("sent.txt", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    set_position(files[SENDS]);
    CHECK(sendfile(out, files[SENDS], NULL, 2) == 2 && next_byte(files[SENDS]) == '6');

    char bytes[2];
    struct iovec parts[2] = {{bytes, 1}, {bytes + 1, 1}};
    set_position(files[VECTORS]);
    CHECK(readv(files[VECTORS], parts, 2) == 2 && next_byte(files[VECTORS]) == '6');
}

int main(void) {
    begin_turns();
    for (int i = 0; i < FILES; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.txt", i);
        files[i] = open_digits(name);
    }
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        set_position(files[SETS]);
        CHECK(next_byte(files[SETS]) == '4');
        let_leader_move();
        set_position(files[SETS]);
        CHECK(next_byte(files[SETS]) == '4');
        let_leader_move();
        CHECK(next_byte(files[NEVER_SETS]) == '2');
        let_leader_move();
        CHECK(next_byte(files[NEVER_SETS]) == '2');
        move_by_oneself();
        live();
    }
    move_when_told(files[SETS]);
    move_when_told(files[NEVER_SETS]);
    move_when_told(files[NEVER_SETS]);
    EXITED(child, 0);
    return 0;
}
