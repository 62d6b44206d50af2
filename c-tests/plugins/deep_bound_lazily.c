// The same, with imports that the first call resolves.
// FLAGS: -Wl,-z,lazy -Wl,-z,norelro
#include "deep_bound.c"
