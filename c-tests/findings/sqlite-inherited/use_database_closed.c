// The child closes the database that it inherited without a look into it.
// GLIBC: 2.34 has close_range
// LIBS: -lsqlite3
// EXPECT: sqlite-inherited severity=info state=open count=1
// EXPECT-LAST: sqlite-inherited resolved count=1
// EXPECT-NO-EVENT: finding severity=error
#include "../../process.h"
#include <sqlite3.h>

static void close_all(void) {
    CHECK(close_range(3, 99, 0) == 0);
}

int main(void) {
    sqlite3 *database;
    CHECK(sqlite3_open("app.db", &database) == SQLITE_OK);
    CHECK(sqlite3_exec(database, "create table t (x)", NULL, NULL, NULL) == SQLITE_OK);
    fork_working_child(close_all);
    return 0;
}
