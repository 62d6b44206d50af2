// The same by vfork: its child leaves to its leader what the program gets.
// ENV: FORKGUARD=observe
// EXPECT: fd-leaked-exec severity=warning state=hit count=1 subject~'the write end of a pipe' subject~cat
// EXPECT: fd-leaked-exec sites=[role=opened,frames.module~PROGRAM]
// EXPECT: fd-leaked-exec sites=[role=used,frames.module~PROGRAM]
#include "../../filters.h"

int main(void) {
    struct filter first = start_filter(BY_VFORK, NEGLECTS_OTHERS), second = start_filter(BY_VFORK, NEGLECTS_OTHERS);
    end_filter(second);
    end_filter(first);
    return 0;
}
