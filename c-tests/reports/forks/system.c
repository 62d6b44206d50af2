// system.
// EXPECT-EVENT: fork kind=system count=1
// EXPECT-NO-EVENT: fork kind=fork
#include "../../process.h"

int main(void) {
    CHECK(system("exit 0") == 0);
    return 0;
}
