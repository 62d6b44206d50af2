// A handler that closes a database whose transaction is open: SQLite rolls back and removes its journal. That is said of the database.
// LIBS: -lsqlite3
// EXPECT: sqlite-inherited
// EXPECT-NOT: exit-handler-inherited severity=warning
// STDERR-NOT: exit-handler-inherited
#include "../../check.h"
#include <sqlite3.h>

static sqlite3 *database;

static void close_database(void) {
    sqlite3_close(database);
}

static void execute(const char *statement) {
    CHECK(sqlite3_exec(database, statement, NULL, NULL, NULL) == SQLITE_OK);
}

int main(void) {
    CHECK(sqlite3_open("rollback.db", &database) == SQLITE_OK);
    execute("drop table if exists jobs");
    execute("create table jobs (name)");
    execute("begin immediate");
    execute("insert into jobs values ('both')");
    // The file system's clock must tell that the journal was there before the fork.
    for (int i = 0; i < 100; i++)
        brief_pause();
    CHECK(access("rollback.db-journal", F_OK) == 0 && atexit(close_database) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        exit(0);
    EXITED(child, 0);
    CHECK(access("rollback.db-journal", F_OK) == -1);
    return 0;
}
