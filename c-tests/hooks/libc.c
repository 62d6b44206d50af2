// The libc functions that take locks of their own: time zones, environment, syslog, names, users, locale, random, popen, dlopen.
#include "driver.h"
#include <dlfcn.h>
#include <grp.h>
#include <link.h>
#include <locale.h>
#include <netdb.h>
#include <pwd.h>
#include <stdarg.h>
#include <syslog.h>

SNIPPET(time_zones) {
    time_t epoch = 0;
    struct tm broken, *shared;
    char text[32];
    CHECK(setenv("TZ", "XYZ-3", 1) == 0);
    tzset();
    CHECK(timezone == -3 * 3600);
    CHECK(strcmp(tzname[0], "XYZ") == 0);
    CHECK(localtime_r(&epoch, &broken) == &broken);
    CHECK(broken.tm_hour == 3);
    shared = localtime(&epoch);
    CHECK(shared != NULL && shared->tm_hour == 3);
    CHECK(strftime(text, sizeof text, "%H:%M %Z", shared) == 9);
    CHECK(strcmp(text, "03:00 XYZ") == 0);
    CHECK(strftime(text, 3, "%H:%M", shared) == 0);
    CHECK(mktime(&broken) == 0);
    CHECK(unsetenv("TZ") == 0);
    tzset();
    time_t beyond = INT64_MAX;
    errno = 0;
    CHECK(localtime_r(&beyond, &broken) == NULL && errno == EOVERFLOW);
}

SNIPPET(environment) {
    static char put[] = "FIXTURE_PUT=1";
    CHECK(setenv("FIXTURE_SET", "one", 1) == 0);
    CHECK(setenv("FIXTURE_SET", "two", 0) == 0);
    CHECK(strcmp(getenv("FIXTURE_SET"), "one") == 0);
    FAILS(EINVAL, setenv("", "x", 1));
    FAILS(EINVAL, setenv("a=b", "x", 1));
    CHECK(unsetenv("FIXTURE_SET") == 0);
    CHECK(getenv("FIXTURE_SET") == NULL);
    FAILS(EINVAL, unsetenv("a=b"));
    CHECK(putenv(put) == 0);
    put[sizeof put - 2] = '2';
    CHECK(strcmp(getenv("FIXTURE_PUT"), "2") == 0);
    CHECK(unsetenv("FIXTURE_PUT") == 0);
}

static void child_clears(void *unused) {
    (void)unused;
    CHECK(clearenv() == 0);
    CHECK(getenv("PATH") == NULL);
    CHECK(setenv("AFTER", "1", 1) == 0);
    CHECK(strcmp(getenv("AFTER"), "1") == 0);
}

SNIPPET(cleared_environment) {
    in_child(child_clears, NULL);
}

static void say(int priority, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsyslog(priority, format, arguments);
    va_end(arguments);
}

SNIPPET(system_log) {
    openlog("fixture", LOG_PID | LOG_NDELAY, LOG_USER);
    int mask = setlogmask(LOG_UPTO(LOG_EMERG));
    syslog(LOG_DEBUG, "%s %d %f", "masked", 1, 2.0);
    errno = ENOENT;
    syslog(LOG_DEBUG, "%m %d %s %f %ld %d %d %d %f %Lf", 1, "two", 3.5, 4L, 5, 6, 7, 8.25, 9.5L);
    CHECK(errno == ENOENT);
    CHECK(setlogmask(mask) == LOG_UPTO(LOG_EMERG));
    say(LOG_DEBUG, "%s %d", "nobody may listen", 7);
    closelog();
}

static int count_libraries(struct dl_phdr_info *info, size_t size, void *count) {
    CHECK(size >= sizeof *info);
    return ++*(int *)count == 2 ? 7 : 0;
}

SNIPPET(loaded_libraries) {
    int count = 0;
    CHECK(dl_iterate_phdr(count_libraries, &count) == 7 && count == 2);
}

SNIPPET(names_of_hosts_and_services) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found = NULL;
    CHECK(getaddrinfo("127.0.0.1", "80", &hints, &found) == 0);
    CHECK(found->ai_family == AF_INET && found->ai_addrlen == 16 && found->ai_next == NULL);
    freeaddrinfo(found);
    CHECK(getaddrinfo("no number", "80", &hints, &found) == EAI_NONAME);
    struct hostent *host = gethostbyname("127.0.0.1"), own, *result;
    CHECK(host != NULL && host->h_length == 4 && !memcmp(host->h_addr, "\x7f\0\0\1", 4));
    char buffer[2048];
    int error;
    CHECK(gethostbyname_r("127.0.0.2", &own, buffer, sizeof buffer, &result, &error) == 0);
    CHECK(result == &own && !memcmp(own.h_addr, "\x7f\0\0\2", 4));
    CHECK(gethostbyname_r("127.0.0.2", &own, buffer, 1, &result, &error) == ERANGE);
    struct servent service, *known;
    CHECK(getservbyname("no-such-service", "tcp") == NULL);
    CHECK(getservbyname_r("no-such-service", "tcp", &service, buffer, sizeof buffer, &known) == 0);
    CHECK(known == NULL);
}

SNIPPET(users_and_groups) {
    char buffer[4096];
    struct passwd user, *found;
    struct group group, *found_group;
    CHECK(getpwnam("root")->pw_uid == 0);
    CHECK(strcmp(getpwuid(0)->pw_name, "root") == 0);
    CHECK(getpwuid_r(0, &user, buffer, sizeof buffer, &found) == 0 && found == &user);
    CHECK(getpwuid_r(0, &user, buffer, 1, &found) == ERANGE && found == NULL);
    CHECK(getgrnam("root")->gr_gid == 0);
    CHECK(strcmp(getgrgid(0)->gr_name, "root") == 0);
    CHECK(getgrgid_r(0, &group, buffer, sizeof buffer, &found_group) == 0 && found_group == &group);
    CHECK(getpwnam("no such user") == NULL);
    CHECK(getgrnam("no such group") == NULL);
}

SNIPPET(locale) {
    CHECK(strcmp(setlocale(LC_ALL, "C"), "C") == 0);
    CHECK(setlocale(LC_ALL, "no_SUCH") == NULL);
    CHECK(strcmp(setlocale(LC_ALL, NULL), "C") == 0);
}

SNIPPET(generators) {
    srandom(1);
    long first = random(), second = random();
    CHECK(first == 1804289383 && second == 846930886);
    srand(1);
    CHECK(rand() == 1804289383);
    CHECK(random() == 846930886);
}

SNIPPET(pipe_to_a_shell) {
    char line[32];
    FILE *stream = popen("echo heard; exit 3", "r");
    CHECK(stream != NULL);
    CHECK(fgets(line, sizeof line, stream) && strcmp(line, "heard\n") == 0);
    CHECK(pclose(stream) == 3 << 8);
    errno = 0;
    CHECK(popen("true", "bad mode") == NULL && errno == EINVAL);
    CHECK((stream = popen("cat >/dev/null", "we")) != NULL);
    CHECK(fputs("x", stream) >= 0);
    CHECK(pclose(stream) == 0);
}

SNIPPET(dynamic_loading) {
    void *math = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
    CHECK(math != NULL);
    double (*cosine)(double) = (double (*)(double))dlsym(math, "cos");
    CHECK(cosine != NULL && cosine(0) == 1);
    CHECK(dlclose(math) == 0);
    CHECK(dlopen("libno-such.so", RTLD_NOW) == NULL);
    CHECK(strstr(dlerror(), "libno-such.so") != NULL);
    CHECK(dlerror() == NULL);
    void *own = dlopen(NULL, RTLD_NOW);
    CHECK(own != NULL && dlclose(own) == 0);
}
