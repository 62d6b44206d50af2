// More threads than a report lists: all are counted, those that are not listed are counted as missing, and those that are listed are complete.
// ENV: FORKGUARD_SUMMARY=never
// EXPECT: thread-lost severity=warning
// EXPECT-NOT: thread-lost subject=''
// EXPECT-EVENT: fork counts.threads=1001 count=1
// EXPECT-NO-EVENT: fork truncated.threads=0
#define THREADS 1000
#include "many_threads.h"
