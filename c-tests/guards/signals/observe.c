// Who observes resets nothing.
// ENV: FORKGUARD=observe
// ENV: FORKGUARD_SIGNALS=USR1,TERM
// EXPECT-LAST: handler-inherited open subject~SIGUSR1
// EXPECT-LAST: handler-inherited open subject~SIGTERM
// EXPECT-NO-EVENT: child cures=[guard=signals]
#include "handlers_stay.h"
