// A library that is loaded with RTLD_DEEPBIND: its calls go through the PLT, through pointers in its read-only data, and into what it defines
// itself. All its imports are resolved when it is loaded.
// FLAGS: -Wl,-z,relro,-z,now
#include "../sockets.h"

int deep_connect(const struct address *address);
ssize_t deep_send(int fd, const void *bytes, size_t size);
ssize_t deep_send_by_table(int fd, const void *bytes, size_t size);
pthread_t deep_worker(void);
int deep_seek(void);
void *deep_table(void);
off_t lseek(int fd, off_t offset, int whence);

static ssize_t (*const table[])(int, const void *, size_t, int) = {send};
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

int deep_connect(const struct address *address) {
    return connect_to(address);
}

ssize_t deep_send(int fd, const void *bytes, size_t size) {
    return send(fd, bytes, size, 0);
}

ssize_t deep_send_by_table(int fd, const void *bytes, size_t size) {
    ssize_t (*const volatile *volatile entry)(int, const void *, size_t, int) = table;
    return (*entry)(fd, bytes, size, 0);
}

void *deep_table(void) {
    return (void *)table;
}

static void *deep_thread(void *unused) {
    (void)unused;
    CHECK(pthread_mutex_lock(&mutex) == 0);
    stay();
}

// A thread that holds a lock.
pthread_t deep_worker(void) {
    return start_worker(deep_thread);
}

// Its own, which no other may take the place of.
off_t lseek(int fd, off_t offset, int whence) {
    return fd == -7 && offset == 0 && whence == 0 ? 7 : -1;
}

int deep_seek(void) {
    return (int)lseek(-7, 0, 0);
}
