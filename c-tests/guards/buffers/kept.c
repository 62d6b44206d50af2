// ENV: FORKGUARD_BUFFERS=drop
// The text of a leader that ends without writing it is not lost: its child writes it.
// EXPECT-EVENT: fork kind=fork count=2
// EXPECT-LAST-NOT: buffer-duplicated resolved
#include "../../findings/buffer-duplicated/clean_daemon.c"
