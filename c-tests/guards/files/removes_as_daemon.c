// ENV: FORKGUARD_FILES=own
// A daemon whose leader has ended removes the file in its stead.
#include "../../findings/exit-handler-inherited/clean_daemon.c"
