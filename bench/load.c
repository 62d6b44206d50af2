// load connect PORT CONNECTIONS: connects and waits for the server to close, again and again.
// load memcached PORT REQUESTS: pipelined sets and gets over eight connections.
#include "bench.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { CLIENTS = 8, BATCH = 16, KEYS = 1000 };
static struct sockaddr_in server;
static long share;

static int connected(void) {
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    must(connection >= 0 && !connect(connection, (struct sockaddr *)&server, sizeof server), "connect");
    return connection;
}

static void *connect_client(void *unused) {
    for (long i = 0; i < share; i++) {
        int connection = connected();
        char byte;
        // A reset is the expected end.
        (void)!read(connection, &byte, 1);
        close(connection);
    }
    return unused;
}

static void *memcached_client(void *unused) {
    static const char VALUE[101] = "0123456789012345678901234567890123456789012345678901234567890123456789"
                                   "012345678901234567890123456789";
    int connection = connected();
    char requests[BATCH * 160], replies[BATCH * 192];
    for (long batch = 0; batch < share / BATCH; batch++) {
        int length = 0, wanted = 0;
        for (int i = 0; i < BATCH; i++) {
            long key = (batch * BATCH + i) % KEYS;
            if (i % 4 == 0)
                length += sprintf(requests + length, "set k%ld 0 0 100\r\n%s\r\n", key, VALUE);
            else
                length += sprintf(requests + length, "get k%ld\r\n", key);
            wanted++;
        }
        must(write(connection, requests, (size_t)length) == length, "write");
        // Each reply ends in one of these words, alone on its line; no value contains them.
        size_t have = 0;
        while (wanted > 0) {
            ssize_t got = read(connection, replies + have, sizeof replies - have - 1);
            must(got > 0, "read");
            have += (size_t)got;
            replies[have] = 0;
            char *rest = replies, *stored, *end;
            for (;;) {
                stored = strstr(rest, "STORED\r\n");
                end = strstr(rest, "END\r\n");
                char *first = !stored || (end && end < stored) ? end : stored;
                if (!first)
                    break;
                rest = strchr(first, '\n') + 1;
                wanted--;
            }
            have -= (size_t)(rest - replies);
            memmove(replies, rest, have);
        }
    }
    close(connection);
    return unused;
}

int main(int argc, char **argv) {
    must(argc == 4, "usage: load connect|memcached PORT COUNT");
    int connects = strcmp(argv[1], "connect") == 0;
    if (connects)
        pin();
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)argument(argc, argv, 2, 0)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    share = argument(argc, argv, 3, 0) / CLIENTS;
    pthread_t clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        must(!pthread_create(&clients[i], NULL, connects ? connect_client : memcached_client, NULL), "pthread_create");
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(clients[i], NULL);
    return 0;
}
