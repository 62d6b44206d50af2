// The second filter inherits the write end of the first one's pipe: the first sees no end of file while the second runs.
// ENV: FORKGUARD=observe
// EXPECT: fd-leaked-exec severity=warning state=hit count=1 subject~'the write end of a pipe' subject~cat
// EXPECT: fd-leaked-exec sites=[role=opened,frames.module~PROGRAM]
// EXPECT: fd-leaked-exec sites=[role=used,frames.module~PROGRAM]
#include "../../filters.h"

int main(void) {
    struct filter first = start_filter(BY_FORK, NEGLECTS_OTHERS), second = start_filter(BY_FORK, NEGLECTS_OTHERS);
    end_filter(second);
    end_filter(first);
    return 0;
}
