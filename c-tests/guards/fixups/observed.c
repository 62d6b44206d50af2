// FORKGUARD=observe: a fixup can be registered, and nothing runs.
// ENV: FORKGUARD=observe
// ENV: FORKGUARD_FIXUPS=libm.so.6:abort
// FLAGS: -Wl,--no-as-needed
// LIBS: -lm
// ALONE: 0
// EXPECT-NO-EVENT: fixup
// EXPECT-EVENT: child
// STDERR-NOT: FORKGUARD_FIXUPS
#include "fixture.h"

int main(void) {
    if (forkguard_register_fixup) {
        CHECK(forkguard_active() == 0);
        registered("never", log_it, "n");
    }
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        CHECK(strcmp(ran, "") == 0);
        if (forkguard_fixup_begins) {
            forkguard_fixup_begins("a runtime's");
            forkguard_fixup_ended("a runtime's", 0);
        }
        live();
    }
    EXITED(child, 0);
    return 0;
}
