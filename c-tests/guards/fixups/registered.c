// Fixups run once in each child, of every kind of fork, in the order of their registration, when every other library's child handler has run.
// ALONE: 0
// FLAGS: -Wno-deprecated-declarations
// LIBS: -lutil
// EXPECT-EVENT: fixup name=early progress=begins us=null count=4
// EXPECT-EVENT: fixup name=early progress=done count=4
// EXPECT-EVENT: fixup name=third progress=done count=4
// EXPECT-NO-EVENT: fixup name=gone
// EXPECT-NO-EVENT: fixup progress=failed
// EXPECT-EVENT: fixup name=a-name-of-more-than-sixty-three-bytes-is-cut-where-they-end-012 progress=done count=4
// EXPECT-EVENT: child settled=select count=3
// EXPECT-NO-EVENT: child settled=poll
#include "fixture.h"
#include <poll.h>
#include <pty.h>
#include <sys/select.h>

static void early(void) {
    if (forkguard_register_fixup)
        registered("early", log_it, "e");
}

// Before the constructor of any library.
__attribute__((section(".preinit_array"), used)) static void (*const preinit)(void) = early;

static void handler(void) {
    log_it("h");
}

// What it waits for is no work of the server's, and errno is its own.
static void waits(void *letter) {
    log_it(letter);
    poll(NULL, 0, 1);
    errno = ENOTTY;
}

static void work(const char *expected) {
    CHECK(strcmp(ran, forkguard_register_fixup ? expected : "h") == 0);
    struct timeval soon = {0, 1000};
    select(0, NULL, NULL, NULL, &soon);
    memset(ran, 0, sizeof ran);
}

static void by_fork(void) {
    errno = 4711;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(errno == 4711);
        work("he123l");
        _exit(0);
    }
    EXITED(child, 0);
}

static void by_forkpty(void) {
    int terminal;
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    CHECK(child >= 0);
    if (child == 0) {
        work("he123l");
        _exit(0);
    }
    EXITED(child, 0);
}

static void by_daemon(void) {
    atomic_bool *well = shared(1);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        memset(ran, 0, sizeof ran);
        CHECK(daemon(1, 1) == 0);
        work("he123l");
        *well = true;
        _exit(0);
    }
    EXITED(child, 0);
    EVENTUALLY(*well);
}

int main(void) {
    CHECK(pthread_atfork(NULL, NULL, handler) == 0);
    if (forkguard_register_fixup) {
        CHECK(forkguard_active() == 1);
        registered("first", log_it, "1");
        int gone = registered("gone", log_it, "g");
        registered("second", waits, "2");
        registered("third", log_it, "3");
        registered("a-name-of-more-than-sixty-three-bytes-is-cut-where-they-end-0123456789", log_it, "l");
        CHECK(forkguard_unregister_fixup(gone) == 0);
        FAILS(ENOENT, forkguard_unregister_fixup(gone));
        FAILS(ENOENT, forkguard_unregister_fixup(-1));
        FAILS(EINVAL, forkguard_register_fixup(NULL, log_it, NULL));
        FAILS(EINVAL, forkguard_register_fixup("null", NULL, NULL));
        int numbers[64], count = 0;
        while (count < 64 && (numbers[count] = forkguard_register_fixup("many", log_it, "m")) >= 0)
            count++;
        CHECK(count == 59 && errno == ENOSPC);
        while (count-- > 0)
            CHECK(forkguard_unregister_fixup(numbers[count]) == 0);
    }
    by_fork();
    by_forkpty();
    by_daemon();
    return 0;
}
