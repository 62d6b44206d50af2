// An object of the C library whose layout is unknown is not read, and the report lists it; all others are read.
// PLUGIN: strange_conditions
// LIBS: -Wl,--no-as-needed -lstrange_conditions
// EXPECT-EVENT: process limits~conditions
// EXPECT-NO-EVENT: process limits~mutexes
// EXPECT: lock-orphaned severity=warning subject~mutex count=1
#include "../../held_mutex.h"

int main(void) {
    start_worker(run_and_stay);
    fork_living_child();
    return 0;
}
