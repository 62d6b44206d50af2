// A mutex that another thread holds.
// EXPECT: lock-orphaned severity=warning state=open subject~worker count=1
// EXPECT-EVENT: fork counts.locks=1 locks=[kind=mutex,holder_name=worker,own=false]
#include "../../held_mutex.h"
#include "../../living_child.h"
