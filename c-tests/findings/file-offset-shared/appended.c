// O_APPEND, as logs are opened: every write goes to the end, nothing is shared that matters.
// EXPECT-NOT: file-offset-shared
// EXPECT-EVENT: fork descriptors=[kind=file,path~log.txt,mode~append]
#include "../../process.h"
#include <fcntl.h>

int main(void) {
    FILE *stream = fopen("log.txt", "a");
    CHECK(stream != NULL && fputs("line\n", stream) >= 0 && fflush(stream) == 0);
    fork_living_child();
    return 0;
}
