// A program that takes the worker's log, which the leader has closed: that the worker has written nothing for a while is no fault, while nobody waits for
// the program to end.
// EXPECT-NO-EVENT: finding severity=error
#include "fixture.h"

int main(void) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t program = fork();
    CHECK(program >= 0);
    if (program == 0) {
        CHECK(dup2(ends[0], 0) == 0 && close(ends[0]) == 0 && close(ends[1]) == 0);
        execlp("cat", "cat", NULL);
        _exit(1);
    }
    close(ends[0]);
    pid_t worker = fork();
    CHECK(worker >= 0);
    if (worker == 0) {
        sleep(2);
        CHECK(write(ends[1], "late\n", 5) == 5);
        _exit(0);
    }
    close(ends[1]);
    for (int round = 0; round < 20; round++)
        poll(NULL, 0, 100);
    EXITED(worker, 0);
    EXITED(program, 0);
    return 0;
}
