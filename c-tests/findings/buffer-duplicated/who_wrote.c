// The last call that wrote into the stream is named, whichever function it was: a different one each time.
// FLAGS: -rdynamic -O2 -U_FORTIFY_SOURCE
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_printf]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_vprintf]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_puts]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_putchar]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_putchar_unlocked]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_fprintf]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_vfprintf]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_fputs]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_fputs_unlocked]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_fputc]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_fputc_unlocked]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_putc]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_fwrite]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_fwrite_unlocked]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_checked_printf]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_checked_fprintf]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_checked_vprintf]
// EXPECT: buffer-duplicated sites=[role=written,frames.function=by_checked_vfprintf]
// EXPECT: buffer-duplicated state=hit count=19
// EXPECT: buffer-duplicated state=hit sites=[role=written] count=18
// EXPECT-NOT: buffer-duplicated sites=[role=written,frames.function=flushed]
// STDERR: written at who_wrote.c:
#include "../../check.h"
#include <stdarg.h>

// Without these the compiler puts the functions' bodies into ours.
static int (*volatile one_to_stdout)(int) = putchar_unlocked;
static int (*volatile one_to_stream)(int, FILE *) = fputc_unlocked;

int __printf_chk(int, const char *, ...);
int __fprintf_chk(FILE *, int, const char *, ...);
int __vprintf_chk(int, const char *, va_list);
int __vfprintf_chk(FILE *, int, const char *, va_list);

#define WRITES(name, call) \
    __attribute__((noinline)) void name(__attribute__((unused)) const char *format, ...) { \
        va_list list; \
        va_start(list, format); \
        CHECK((int)(call) >= 0); \
        va_end(list); \
    }
WRITES(by_printf, printf("%s %f\n", "one", 1.5))
WRITES(by_vprintf, vprintf(format, list))
WRITES(by_puts, puts("one"))
WRITES(by_putchar, putchar('1'))
WRITES(by_putchar_unlocked, one_to_stdout('1'))
WRITES(by_fprintf, fprintf(stdout, "%d\n", 1))
WRITES(by_vfprintf, vfprintf(stdout, format, list))
WRITES(by_fputs, fputs("one\n", stdout))
WRITES(by_fputs_unlocked, fputs_unlocked("one\n", stdout))
WRITES(by_fputc, fputc('1', stdout))
WRITES(by_fputc_unlocked, one_to_stream('1', stdout))
WRITES(by_nobody_known, putc_unlocked('1', stdout))
WRITES(by_putc, (putc)('1', stdout))
WRITES(by_fwrite, fwrite("one\n", 1, 4, stdout))
WRITES(by_fwrite_unlocked, (fwrite_unlocked)("one\n", 1, 4, stdout))
WRITES(by_checked_printf, __printf_chk(1, "%s %f\n", "one", 1.5))
WRITES(by_checked_fprintf, __fprintf_chk(stdout, 1, "%d\n", 1))
WRITES(by_checked_vprintf, __vprintf_chk(1, format, list))
WRITES(by_checked_vfprintf, __vfprintf_chk(stdout, 1, format, list))

void flushed(void) {
    CHECK(puts("flushed") >= 0 && fflush(stdout) == 0);
}

static void (*const ways[])(const char *, ...) = {
    by_printf, by_vprintf, by_puts, by_putchar, by_putchar_unlocked, by_fprintf, by_vfprintf, by_fputs, by_fputs_unlocked, by_fputc,
    by_fputc_unlocked, by_putc, by_fwrite, by_fwrite_unlocked, by_checked_printf, by_checked_fprintf, by_checked_vprintf, by_checked_vfprintf,
    by_nobody_known,
};

int main(void) {
    CHECK(setvbuf(stdout, NULL, _IOFBF, 4096) == 0);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        flushed();
        ways[i]("%s %d\n", "one", 1);
        pid_t child = fork();
        if (child == 0)
            exit(0);
        EXITED(child, 0);
        CHECK(fflush(stdout) == 0);
    }
    return 0;
}
