// HOST PORT: redis over one connection of hiredis.
// LIBS: -lhiredis
#include "client.h"
#include <hiredis/hiredis.h>

static redisContext *context_of_redis;

static bool ask(int number, char *answer, size_t size, long *session) {
    redisReply *echo = redisCommand(context_of_redis, "ECHO %d", number);
    if (!echo) {
        snprintf(answer, size, "%s", context_of_redis->errstr);
        CHECK(redisReconnect(context_of_redis) == REDIS_OK);
        return false;
    }
    snprintf(answer, size, "%s", echo->str);
    redisReply *id = redisCommand(context_of_redis, "CLIENT ID");
    CHECK(id && id->type == REDIS_REPLY_INTEGER);
    *session = (long)id->integer;
    freeReplyObject(echo);
    freeReplyObject(id);
    return true;
}

int main(int argc, char **argv) {
    CHECK(argc == 3 && (context_of_redis = redisConnect(argv[1], atoi(argv[2]))) && !context_of_redis->err);
    ask_in_leader_and_children();
    redisFree(context_of_redis);
    return 0;
}
