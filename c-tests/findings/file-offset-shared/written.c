// A file open for writing at a position that leader and child share.
// EXPECT: file-offset-shared severity=info state=open subject~data.txt count=1
// EXPECT-EVENT: fork descriptors=[kind=file,path~data.txt,mode=write,offset=5]
#include "../../process.h"
#include <fcntl.h>

int main(void) {
    int fd = open("data.txt", O_CREAT | O_WRONLY, 0600);
    CHECK(write(fd, "12345", 5) == 5);
    fork_living_child();
    return 0;
}
