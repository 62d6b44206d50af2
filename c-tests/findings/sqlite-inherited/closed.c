// Closed before the fork.
// LIBS: -lsqlite3
// EXPECT-NOT: sqlite-inherited
// EXPECT-EVENT: fork kind=fork
#include "../../process.h"
#include <sqlite3.h>

int main(void) {
    sqlite3 *database;
    CHECK(sqlite3_open("app.db", &database) == SQLITE_OK);
    CHECK(sqlite3_exec(database, "create table t (x)", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(database) == SQLITE_OK);
    fork_living_child();
    return 0;
}
