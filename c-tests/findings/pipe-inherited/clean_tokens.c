// make's job server: every process has both ends, takes a token, works and gives it back. And a leader that asks and is answered.
// EXPECT-NOT: pipe-inherited severity=error
// STDERR-NOT: pipe-inherited
#include "fixture.h"

int main(void) {
    int tokens[2], answers[2];
    char byte = 0;
    CHECK(pipe(tokens) == 0 && pipe(answers) == 0);
    pid_t children[3];
    for (int index = 0; index < 3; index++) {
        CHECK((children[index] = fork()) >= 0);
        if (children[index] == 0) {
            for (int round = 0; round < 50; round++) {
                CHECK(read(tokens[0], &byte, 1) == 1);
                usleep(100);
                CHECK(write(answers[1], &byte, 1) == 1 && write(tokens[1], &byte, 1) == 1);
            }
            _exit(0);
        }
    }
    CHECK(write(tokens[1], &byte, 1) == 1);
    for (int round = 0; round < 150; round++)
        CHECK(read(answers[0], &byte, 1) == 1);
    for (int index = 0; index < 3; index++)
        EXITED(children[index], 0);
    return 0;
}
