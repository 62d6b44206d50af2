// The same by posix_spawn, whose file actions close the filter's own pipe only.
// ENV: FORKGUARD=observe
// EXPECT: fd-leaked-exec severity=warning state=hit count=1 subject~'the write end of a pipe' subject~cat
// EXPECT: fd-leaked-exec sites=[role=opened,frames.module~PROGRAM]
#include "../../filters.h"

int main(void) {
    struct filter first = start_filter(BY_POSIX_SPAWN, NEGLECTS_OTHERS), second = start_filter(BY_POSIX_SPAWN, NEGLECTS_OTHERS);
    end_filter(second);
    end_filter(first);
    return 0;
}
