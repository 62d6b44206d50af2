// Handlers that native code set are nobody's but its own: by default, and where the application's are reset.
// ENV: FORKGUARD_SIGNALS=application
// EXPECT-LAST: handler-inherited open subject~SIGUSR1
// EXPECT-LAST: handler-inherited open subject~SIGTERM
// EXPECT-NO-EVENT: child cures=[guard=signals]
#include "handlers_stay.h"
