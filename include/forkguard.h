/* forkguard's C API. All symbols are weak: a program built with this header runs with and without the library preloaded. */
#ifndef FORKGUARD_H
#define FORKGUARD_H

#ifdef __cplusplus
extern "C" {
#endif

/* The library's version, as MAJOR.MINOR.PATCH. Null, as an address, when forkguard is not preloaded:
 *
 *     if (forkguard_version) printf("under forkguard %s\n", forkguard_version());
 */
const char *forkguard_version(void) __attribute__((weak));

#ifdef __cplusplus
}
#endif

#endif
