// Filters of system calls (seccomp(2)).
#pragma once
#include "check.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#define CALLS 128

// A filter that answers so to these system calls and allows the rest, or the other way round.
struct filter {
    struct sock_filter instructions[2 * CALLS + 2];
    struct sock_fprog program;
};

__attribute__((unused)) static void filter_to(struct filter *filter, const int *calls, int count, unsigned listed, unsigned rest) {
    struct sock_filter *next = filter->instructions;
    CHECK(count <= CALLS);
    *next++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < count; i++) {
        *next++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1);
        *next++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, listed);
    }
    *next++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, rest);
    filter->program = (struct sock_fprog){next - filter->instructions, filter->instructions};
}

__attribute__((unused)) static void set_filter(struct filter *filter) {
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter->program) == 0);
}
