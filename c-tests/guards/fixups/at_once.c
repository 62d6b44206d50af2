// Threads register and take back while another one forks, again and again: each child runs what stays registered, once and in order,
// and no place of the table is lost to a thread that was writing it.
// ENV: FORKGUARD_SUMMARY=never
#include "fixture.h"

static void unimportant(void *unused) {
    (void)unused;
}

static void *registers(void *unused) {
    (void)unused;
    for (;;)
        CHECK(forkguard_unregister_fixup(registered("comes and goes", unimportant, NULL)) == 0);
    return NULL;
}

static void check_table(void) {
    int free = 0;
    CHECK(strcmp(ran, "12") == 0);
    while (forkguard_register_fixup("many", unimportant, NULL) >= 0)
        free++;
    CHECK(free >= 64 - 2 - 3);
}

int main(void) {
    pthread_t thread;
    registered("first", log_it, "1");
    registered("second", log_it, "2");
    for (int index = 0; index < 3; index++)
        CHECK(pthread_create(&thread, NULL, registers, NULL) == 0);
    for (int round = 0; round < 200; round++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            check_table();
            _exit(0);
        }
        EXITED(child, 0);
    }
    return 0;
}
