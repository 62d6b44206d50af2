/* A program without a C library that waits for a signal: pause of 32 bits. */
void _start(void) {
    for (;;)
        __asm__ volatile("int $0x80" : : "a"(29) : "memory");
}
