// An open SQLite database.
// LIBS: -lsqlite3
// EXPECT: sqlite-inherited severity=info state=open subject~app.db count=1
// EXPECT-NOT: file-offset-shared subject~app.db
#include "../../process.h"
#include <sqlite3.h>

int main(void) {
    sqlite3 *database;
    CHECK(sqlite3_open("app.db", &database) == SQLITE_OK);
    CHECK(sqlite3_exec(database, "create table t (x); insert into t values (1)", NULL, NULL, NULL) == SQLITE_OK);
    fork_living_child();
    return 0;
}
