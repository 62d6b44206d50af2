// Memory that processes share is refused: that is found out once, and no fork waits for it.
// EXPECT-EVENT: process limits~'memory shared with children is refused'
// EXPECT-EVENT: fork kind=fork
#include "../../filter.h"
#include <sys/resource.h>

static const struct sock_filter refuse[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 4),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[3])),
    // MAP_SHARED | MAP_ANONYMOUS
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x21),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x21, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static long sleeps(void) {
    struct rusage usage;
    CHECK(getrusage(RUSAGE_THREAD, &usage) == 0);
    return usage.ru_nvcsw;
}

int main(void) {
    struct filter filter;
    memcpy(filter.instructions, refuse, sizeof refuse);
    filter.program = (struct sock_fprog){sizeof refuse / sizeof *refuse, filter.instructions};
    set_filter(&filter);
    for (int round = 0; round < 4; round++) {
        long before = sleeps();
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            _exit(0);
        // Who waits a little for what another thread does sleeps 200 times.
        CHECK(sleeps() - before < 100);
        EXITED(child, 0);
    }
    return 0;
}
