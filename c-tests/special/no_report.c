// Nowhere can a report be written (there is nothing in the new root): the forks go on, and none of them leaves a mapping behind.
#include "../process.h"

static int mappings(FILE *maps) {
    int count = 0;
    rewind(maps);
    for (int letter; (letter = fgetc(maps)) != EOF;)
        count += letter == '\n';
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

// The hooks would open a report before the root changes.
static long change_root_past_the_hooks(void) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(SYS_chroot), "D"(".") : "rcx", "r11", "memory");
    return result;
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    FILE *maps = fopen("/proc/self/maps", "re");
    CHECK(maps != NULL && chdir(arguments[1]) == 0);
    if (change_root_past_the_hooks() != 0) {
        puts("skipped: no right to change the root");
        return 0;
    }
    fork_some();
    int before = mappings(maps);
    fork_some();
    CHECK(mappings(maps) == before);
    return 0;
}
