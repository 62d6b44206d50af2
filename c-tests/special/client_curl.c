// URL [CERTIFICATE]: a web server that keeps connections, over one handle of libcurl.
// LIBS: -lcurl
#include "client.h"
#include <curl/curl.h>

static CURL *handle;
static const char *base;
static char body[64];

static size_t keep(char *data, size_t size, size_t count, void *unused) {
    (void)unused;
    size_t room = sizeof body - 1 - strlen(body);
    strncat(body, data, size * count < room ? size * count : room);
    return size * count;
}

static bool ask(int number, char *answer, size_t size, long *session) {
    char url[256];
    snprintf(url, sizeof url, "%s%d", base, number);
    *body = 0;
    curl_easy_setopt(handle, CURLOPT_URL, url);
    CURLcode code = curl_easy_perform(handle);
    if (code != CURLE_OK) {
        snprintf(answer, size, "%s", curl_easy_strerror(code));
        return false;
    }
    CHECK(sscanf(body, "%15s %ld", answer, session) == 2);
    return true;
}

int main(int argc, char **argv) {
    CHECK(argc >= 2 && (base = argv[1]) && curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK && (handle = curl_easy_init()));
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
    if (argc == 3)
        curl_easy_setopt(handle, CURLOPT_CAINFO, argv[2]);
    ask_in_leader_and_children();
    curl_easy_cleanup(handle);
    curl_global_cleanup();
    return 0;
}
