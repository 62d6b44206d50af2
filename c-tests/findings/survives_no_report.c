// No report can be written: that is said, the forks go on, and none of them leaves a mapping behind.
// ENV: FORKGUARD_REPORT=/no/such/place/report
// ENV: FORKGUARD_SUMMARY=never
// STDERR: forkguard: no report is written
#include "fixture.h"

static int mappings(void) {
    int count = 0;
    FILE *stream = fopen("/proc/self/maps", "re");
    CHECK(stream != NULL);
    for (int letter; (letter = fgetc(stream)) != EOF;)
        count += letter == '\n';
    fclose(stream);
    return count;
}

static void fork_some(void) {
    for (int round = 0; round < 20; round++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            _exit(0);
        EXITED(child, 0);
    }
}

int main(void) {
    fork_some();
    int before = mappings();
    fork_some();
    CHECK(mappings() == before);
    return 0;
}
