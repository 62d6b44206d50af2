// read, write, readv, writev, pread, pwrite, preadv2, pwritev2, send, recv and their families, shutdown, sendfile, splice, ioctl.
#include "driver.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

static int send_by(int way, int fd, char *bytes) {
    struct iovec parts[2] = {{bytes, 3}, {bytes + 3, 5}};
    struct mmsghdr messages[1] = {{.msg_hdr = {.msg_iov = parts, .msg_iovlen = 2}}};
    switch (way) {
    case 0: return write(fd, bytes, 8);
    case 1: return writev(fd, parts, 2);
    case 2: return pwritev2(fd, parts, 2, -1, 0);
    case 3: return send(fd, bytes, 8, MSG_NOSIGNAL);
    case 4: return sendto(fd, bytes, 8, MSG_NOSIGNAL, NULL, 0);
    case 5: return sendmsg(fd, &messages->msg_hdr, MSG_NOSIGNAL);
    default: return sendmmsg(fd, messages, 1, MSG_NOSIGNAL) == 1 ? (int)messages->msg_len : -1;
    }
}

static int receive_by(int way, int fd, char *bytes) {
    struct iovec parts[2] = {{bytes, 5}, {bytes + 5, 3}};
    struct mmsghdr messages[1] = {{.msg_hdr = {.msg_iov = parts, .msg_iovlen = 2}}};
    switch (way) {
    case 0: return read(fd, bytes, 8);
    case 1: return readv(fd, parts, 2);
    case 2: return preadv2(fd, parts, 2, -1, 0);
    case 3: return recv(fd, bytes, 8, 0);
    case 4: return recvfrom(fd, bytes, 8, 0, NULL, NULL);
    case 5: return recvmsg(fd, &messages->msg_hdr, 0);
    default: return recvmmsg(fd, messages, 1, 0, NULL) == 1 ? (int)messages->msg_len : -1;
    }
}

SAFE_SNIPPET(every_way_to_every_way) {
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    for (int sent = 0; sent < 7; sent++) {
        for (int received = 0; received < 7; received++) {
            char bytes[9] = "";
            KEEPS_ERRNO(send_by(sent, ends[sent % 2], (char[]){"question"}) == 8);
            KEEPS_ERRNO(receive_by(received, ends[!(sent % 2)], bytes) == 8);
            CHECK(strcmp(bytes, "question") == 0);
        }
    }
    CHECK(close(ends[0]) == 0);
    for (int way = 0; way < 7; way++)
        CHECK(receive_by(way, ends[1], (char[8]){0}) == 0);
    for (int way = 3; way < 7; way++)
        FAILS(EPIPE, send_by(way, ends[1], (char[8]){0}));
    CHECK(close(ends[1]) == 0);
    for (int way = 0; way < 7; way++) {
        FAILS(EBADF, send_by(way, ends[1], (char[8]){0}));
        FAILS(EBADF, receive_by(way, -1, (char[8]){0}));
    }
}

SAFE_SNIPPET(flags_of_receiving) {
    int ends[2];
    char bytes[16] = "";
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    FAILS(EAGAIN, recv(ends[0], bytes, 8, MSG_DONTWAIT));
    CHECK(send(ends[1], "question", 8, MSG_EOR) == 8);
    CHECK(recv(ends[0], bytes, 3, MSG_PEEK | MSG_TRUNC) == 8 && memcmp(bytes, "que", 4) == 0);
    CHECK(recvfrom(ends[0], bytes, 16, MSG_PEEK, NULL, NULL) == 8 && recv(ends[0], bytes, 16, MSG_DONTWAIT) == 8);
    FAILS(EFAULT, send(ends[1], (void *)1, 8, 0));
    FAILS(EOPNOTSUPP, send(ends[1], bytes, 8, MSG_OOB));
    FAILS(ENOTSOCK, send(2, bytes, 0, 0));
    struct timespec soon = {.tv_nsec = 1000000};
    struct timeval wait = {.tv_usec = 1000};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &(struct iovec){bytes, 16}, .msg_iovlen = 1}};
    CHECK(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0);
    FAILS(EAGAIN, recvmmsg(ends[0], &message, 1, 0, &soon));
    FAILS(EAGAIN, recv(ends[0], bytes, 16, 0));
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
}

// A descriptor travels in a control message.
SAFE_SNIPPET(control_messages) {
    int ends[2], carried[2], received;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    char byte = 'c';
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && pipe(carried) == 0);
    memcpy(CMSG_DATA(&control.header), &carried[1], sizeof(int));
    CHECK(sendmsg(ends[0], &message, 0) == 1);
    memset(&control, 0, sizeof control);
    CHECK(recvmsg(ends[1], &message, MSG_CMSG_CLOEXEC) == 1 && message.msg_controllen == CMSG_SPACE(sizeof(int)));
    memcpy(&received, CMSG_DATA(&control.header), sizeof(int));
    CHECK((fcntl(received, F_GETFD) & FD_CLOEXEC) && write(received, "w", 1) == 1 && read(carried[0], &byte, 1) == 1 && byte == 'w');
    CHECK(close(received) == 0 && close(carried[0]) == 0 && close(carried[1]) == 0 && close(ends[0]) == 0 && close(ends[1]) == 0);
}

SAFE_SNIPPET(datagrams_to_an_address) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}}, from = {0};
    socklen_t size = sizeof address;
    char bytes[8] = "";
    int receiver = socket(AF_INET, SOCK_DGRAM, 0), sender = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(bind(receiver, (struct sockaddr *)&address, size) == 0 && getsockname(receiver, (struct sockaddr *)&address, &size) == 0);
    KEEPS_ERRNO(sendto(sender, "to", 2, 0, (struct sockaddr *)&address, sizeof address) == 2);
    size = sizeof from;
    KEEPS_ERRNO(recvfrom(receiver, bytes, 8, 0, (struct sockaddr *)&from, &size) == 2);
    CHECK(size == sizeof from && from.sin_addr.s_addr == htonl(INADDR_LOOPBACK) && strcmp(bytes, "to") == 0);
    CHECK(close(receiver) == 0 && close(sender) == 0);
}

SAFE_SNIPPET(shut_down) {
    int ends[2];
    char byte;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    KEEPS_ERRNO(shutdown(ends[0], SHUT_WR) == 0);
    FAILS(EPIPE, send(ends[0], "x", 1, MSG_NOSIGNAL));
    CHECK(read(ends[1], &byte, 1) == 0 && write(ends[1], "y", 1) == 1 && read(ends[0], &byte, 1) == 1 && byte == 'y');
    FAILS(EINVAL, shutdown(ends[0], 77));
    FAILS(ENOTSOCK, shutdown(0, SHUT_RD));
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
    FAILS(EBADF, shutdown(ends[0], SHUT_RD));
}

static int temporary_file(void) {
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    return fd;
}

SAFE_SNIPPET(by_position) {
    char bytes[16] = "";
    struct iovec parts[2] = {{bytes, 2}, {bytes + 2, 4}};
    int fd = temporary_file(), ends[2];
    KEEPS_ERRNO(pwrite(fd, "0123456789", 10, 0) == 10);
    CHECK(pwrite64(fd, "ab", 2, 4) == 2 && lseek(fd, 0, SEEK_CUR) == 0);
    KEEPS_ERRNO(pread(fd, bytes, 4, 3) == 4);
    CHECK(memcmp(bytes, "3ab6", 4) == 0 && pread64(fd, bytes, 16, 8) == 2 && pread(fd, bytes, 1, 10) == 0);
    KEEPS_ERRNO(preadv(fd, parts, 2, 1) == 6);
    CHECK(memcmp(bytes, "123ab6", 6) == 0 && pwritev(fd, parts, 2, 20) == 6 && lseek(fd, 0, SEEK_END) == 26);
    CHECK(pwritev2(fd, parts, 2, 0, RWF_DSYNC) == 6 && preadv2(fd, parts, 2, 0, RWF_HIPRI) == 6);
    FAILS(EINVAL, pread(fd, bytes, 1, -5));
    volatile int none = -1;
    FAILS(EINVAL, writev(fd, parts, none));
    FAILS(EOPNOTSUPP, preadv2(fd, parts, 2, 0, 0x40000000));
    FAILS(EFAULT, read(fd, (void *)1, lseek(fd, 0, SEEK_SET) + 1));
    CHECK(pipe(ends) == 0);
    FAILS(ESPIPE, pwrite(ends[1], "x", 1, 0));
    FAILS(EBADF, write(ends[0], "x", 1));
    FAILS(EBADF, pread(-1, bytes, 1, 0));
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0 && close(fd) == 0);
}

SAFE_SNIPPET(from_file_to_socket) {
    int fd = temporary_file(), ends[2], tube[2];
    char bytes[9] = "";
    off_t from = 2;
    CHECK(write(fd, "0123456789", 10) == 10);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && pipe(tube) == 0);
    KEEPS_ERRNO(sendfile(ends[0], fd, &from, 4) == 4);
    CHECK(from == 6 && recv(ends[1], bytes, 8, 0) == 4 && memcmp(bytes, "2345", 4) == 0);
    off64_t far = 8;
    CHECK(sendfile64(ends[0], fd, &far, 100) == 2 && far == 10 && recv(ends[1], bytes, 8, 0) == 2);
    CHECK(write(tube[1], "splice", 6) == 6);
    KEEPS_ERRNO(splice(tube[0], NULL, ends[0], NULL, 6, SPLICE_F_MOVE) == 6);
    KEEPS_ERRNO(splice(ends[1], NULL, tube[1], NULL, 6, 0) == 6);
    CHECK(read(tube[0], bytes, 8) == 6 && memcmp(bytes, "splice", 6) == 0);
    FAILS(EINVAL, splice(fd, NULL, ends[0], NULL, 1, 0));
    FAILS(EBADF, sendfile(-1, fd, NULL, 1));
    CHECK(close(fd) == 0 && close(ends[0]) == 0 && close(ends[1]) == 0 && close(tube[0]) == 0 && close(tube[1]) == 0);
}

SAFE_SNIPPET(ioctl_passes_all) {
    int ends[2], ready = -1, on = 1;
    char byte;
    CHECK(pipe(ends) == 0 && write(ends[1], "abc", 3) == 3);
    KEEPS_ERRNO(ioctl(ends[0], FIONREAD, &ready) == 0);
    CHECK(ready == 3 && read(ends[0], (char[3]){0}, 3) == 3);
    CHECK(ioctl(ends[0], FIONBIO, &on) == 0);
    FAILS(EAGAIN, read(ends[0], &byte, 1));
    KEEPS_ERRNO(ioctl(ends[0], FIOCLEX) == 0);
    CHECK(fcntl(ends[0], F_GETFD) == FD_CLOEXEC);
    KEEPS_ERRNO(ioctl(ends[0], FIONCLEX) == 0);
    CHECK(fcntl(ends[0], F_GETFD) == 0);
    FAILS(ENOTTY, ioctl(ends[0], TIOCGWINSZ, &(struct winsize){0}));
    FAILS(EFAULT, ioctl(ends[0], FIONREAD, (void *)1));
    FAILS(EBADF, ioctl(-1, FIONREAD, &ready));
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
}

static atomic_bool reading;

static void *read_for_ever(void *fd) {
    char byte;
    reading = true;
    CHECK(recv(*(int *)fd, &byte, 1, 0) == 1);
    return NULL;
}

// Receiving is a cancellation point.
SNIPPET(cancelled_while_receiving) {
    static int ends[2];
    pthread_t thread;
    void *result;
    reading = false;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(pthread_create(&thread, NULL, read_for_ever, &ends[0]) == 0);
    EVENTUALLY(reading);
    CHECK(pthread_cancel(thread) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
}

// What leader and child share, both can use: nothing is taken from either.
static void child_talks(void *ends) {
    char byte;
    CHECK(read(((int *)ends)[1], &byte, 1) == 1 && byte == 'l');
    CHECK(write(((int *)ends)[1], "c", 1) == 1);
    CHECK(shutdown(((int *)ends)[1], SHUT_WR) == 0);
}

SNIPPET(shared_with_a_child) {
    int ends[2];
    char byte;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(write(ends[0], "l", 1) == 1);
    in_child(child_talks, ends);
    CHECK(read(ends[0], &byte, 1) == 1 && byte == 'c' && read(ends[0], &byte, 1) == 0);
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
}
