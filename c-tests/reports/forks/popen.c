// popen.
// EXPECT-EVENT: fork kind=popen count=1
// EXPECT-NO-EVENT: fork kind=fork
#include "../../process.h"

int main(void) {
    FILE *stream = popen("exit 0", "r");
    CHECK(stream != NULL && pclose(stream) == 0);
    return 0;
}
