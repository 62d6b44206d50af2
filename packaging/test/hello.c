/* A program without any C library: linked for another loader, or for 32 bits, it needs no more than a compiler for x86_64. */
void _start(void)
{
    static const char text[] = "hello\n";
    long result;
#ifdef __x86_64__
    __asm__ volatile("syscall" : "=a"(result) : "a"(1L), "D"(1L), "S"(text), "d"(sizeof text - 1) : "rcx", "r11", "memory");
    __asm__ volatile("syscall" : : "a"(60L), "D"(0L));
#else
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(4), "b"(1), "c"(text), "d"(sizeof text - 1) : "memory");
    __asm__ volatile("int $0x80" : : "a"(1), "b"(0));
#endif
    __builtin_unreachable();
}
