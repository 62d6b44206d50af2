// The child writes into the database that its leader opened.
// LIBS: -lsqlite3
// EXPECT: sqlite-inherited severity=info state=open subject~app.db count=1
// EXPECT-LAST: sqlite-inherited hit severity=warning count=1
// EXPECT-NO-EVENT: finding severity=error
#include "../../process.h"
#include <sqlite3.h>

static sqlite3 *database;

static void run(const char *statement) {
    CHECK(sqlite3_exec(database, statement, NULL, NULL, NULL) == SQLITE_OK);
}

static void insert(void) {
    run("insert into t values (2)");
}

int main(void) {
    CHECK(sqlite3_open("app.db", &database) == SQLITE_OK);
    run("create table t (x); insert into t values (1)");
    fork_working_child(insert);
    return 0;
}
