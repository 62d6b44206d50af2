// A file that is read by position.
// EXPECT: file-offset-shared severity=info subject~passwd count=1
// EXPECT-EVENT: fork descriptors=[kind=file,path=/etc/passwd,mode=read]
#include "../../process.h"
#include <fcntl.h>

int main(void) {
    char bytes[4];
    int fd = open("/etc/passwd", O_RDONLY);
    CHECK(read(fd, bytes, sizeof bytes) == sizeof bytes);
    fork_living_child();
    return 0;
}
