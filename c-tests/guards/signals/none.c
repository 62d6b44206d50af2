// With `none` the child keeps its handlers, and gets what was sent.
// ENV: FORKGUARD_SIGNALS=none
// EXPECT-LAST: handler-inherited open subject~SIGUSR1
// EXPECT-LAST: handler-inherited open subject~SIGTERM
// EXPECT-NO-EVENT: child cures=[guard=signals]
#include "handlers_stay.h"
