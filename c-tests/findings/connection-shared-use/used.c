// Every way of sending and receiving on a connection that the leader made, each in a child of its own.
// EXPECT: connection-inherited severity=info count=23
// EXPECT: connection-shared-use severity=error state=hit subject~127.0.0.1 count=23
// EXPECT: connection-shared-use sites=[role=opened,frames.module~PROGRAM] sites=[role=used,frames.module~PROGRAM]
// EXPECT-LAST: connection-shared-use hit count=23
// EXPECT-LAST: connection-inherited hit count=23
// STDERR: connection-shared-use
#include "fixture.h"
#include <sys/sendfile.h>
#include <sys/uio.h>

static char bytes[] = {'q', 'u', 'e', 's', 't', 'i', 'o', 'n'};
static struct iovec vector = {bytes, sizeof bytes};

static struct msghdr message(void) {
    return (struct msghdr){.msg_iov = &vector, .msg_iovlen = 1};
}

static void by_write(int fd) { CHECK(write(fd, bytes, 8) == 8); }
static void by_read(int fd) { CHECK(read(fd, bytes, 8) == 8); }
static void by_writev(int fd) { CHECK(writev(fd, &vector, 1) == 8); }
static void by_readv(int fd) { CHECK(readv(fd, &vector, 1) == 8); }
static void by_pwritev2(int fd) { CHECK(pwritev2(fd, &vector, 1, -1, 0) == 8); }
static void by_preadv2(int fd) { CHECK(preadv2(fd, &vector, 1, -1, 0) == 8); }
static void by_send(int fd) { CHECK(send(fd, bytes, 8, 0) == 8); }
static void by_recv(int fd) { CHECK(recv(fd, bytes, 8, 0) == 8); }
static void by_sendto(int fd) { CHECK(sendto(fd, bytes, 8, 0, NULL, 0) == 8); }
static void by_recvfrom(int fd) { CHECK(recvfrom(fd, bytes, 8, 0, NULL, NULL) == 8); }
static void by_sendmsg(int fd) { CHECK(sendmsg(fd, &(struct msghdr){.msg_iov = &vector, .msg_iovlen = 1}, 0) == 8); }

static void by_recvmsg(int fd) {
    struct msghdr whole = message();
    CHECK(recvmsg(fd, &whole, 0) == 8);
}

static void by_sendmmsg(int fd) {
    struct mmsghdr messages = {.msg_hdr = message()};
    CHECK(sendmmsg(fd, &messages, 1, 0) == 1);
}

static void by_recvmmsg(int fd) {
    struct mmsghdr messages = {.msg_hdr = message()};
    CHECK(recvmmsg(fd, &messages, 1, 0, NULL) == 1);
}

static void by_shutdown(int fd) { CHECK(shutdown(fd, SHUT_WR) == 0); }

static void by_sendfile(int fd) {
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    CHECK(sendfile(fd, file, NULL, 8) == 8);
}

static void by_sendfile64(int fd) {
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    CHECK(sendfile64(fd, file, NULL, 8) == 8);
}

static void by_splice_out(int fd) {
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0 && write(ends[1], bytes, 8) == 8);
    CHECK(splice(ends[0], NULL, fd, NULL, 8, 0) == 8);
}

static void by_splice_in(int fd) {
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    CHECK(splice(fd, NULL, ends[1], NULL, 8, 0) == 8);
}

static void by_copy(int fd) {
    CHECK(send(dup(fd), bytes, 8, 0) == 8);
}

static void by_copy_after_close(int fd) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 100);
    CHECK(copy >= 100 && close(fd) == 0 && send(copy, bytes, 8, 0) == 8);
}

// What _FORTIFY_SOURCE makes of read and recv.
static void by_read_checked(int fd) {
    ssize_t __read_chk(int, void *, size_t, size_t);
    CHECK(__read_chk(fd, bytes, 8, sizeof bytes) == 8);
}

static void by_recv_checked(int fd) {
    ssize_t __recv_chk(int, void *, size_t, size_t, int);
    CHECK(__recv_chk(fd, bytes, 8, sizeof bytes, 0) == 8);
}

static const struct way ways[] = {
    WAY(by_write), WAY(by_read), WAY(by_writev), WAY(by_readv), WAY(by_pwritev2), WAY(by_preadv2), WAY(by_send), WAY(by_recv),
    WAY(by_sendto), WAY(by_recvfrom), WAY(by_sendmsg), WAY(by_recvmsg), WAY(by_sendmmsg), WAY(by_recvmmsg), WAY(by_shutdown),
    WAY(by_sendfile), WAY(by_sendfile64), WAY(by_splice_out), WAY(by_splice_in), WAY(by_copy), WAY(by_copy_after_close),
    WAY(by_read_checked), WAY(by_recv_checked),
};

int main(void) {
    try_each(ways, sizeof ways / sizeof *ways);
    return 0;
}
