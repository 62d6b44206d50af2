// A lock without a symbol has the name that the program gave it; one whose name was taken back has none.
// ALONE: 0
// EXPECT: lock-orphaned subject~'mutex session table at 0x' subject~worker count=1
// EXPECT: lock-orphaned count=2
// EXPECT-NOT: lock-orphaned subject~'gone'
// EXPECT-EVENT: fork locks=[name='session table']
#include "../../living_child.h"
#include "../../../include/forkguard.h"

static void worker_body(void) {
    pthread_mutex_t *locks = calloc(2, sizeof *locks);
    if (forkguard_name_lock) {
        CHECK(forkguard_name_lock(locks, "another name") == 0);
        CHECK(forkguard_name_lock(locks, "session table") == 0);
        CHECK(forkguard_name_lock(locks + 1, "gone") == 0);
        CHECK(forkguard_name_lock(locks + 1, NULL) == 0);
        FAILS(EINVAL, forkguard_name_lock(NULL, "nothing"));
        char *others = malloc(256);
        for (int index = 0; index < 255; index++)
            CHECK(forkguard_name_lock(others + index, "other") == 0);
        FAILS(ENOSPC, forkguard_name_lock(others + 255, "one too many"));
    }
    CHECK(pthread_mutex_lock(locks) == 0);
    CHECK(pthread_mutex_lock(locks + 1) == 0);
}
