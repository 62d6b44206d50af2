// Loaded by the fixtures of handler-dropped: code that is not the program's own, as a server's worker is.
#include <signal.h>

void reset(int signal_number) {
    signal(signal_number, SIG_DFL);
}

void ignore(int signal_number) {
    signal(signal_number, SIG_IGN);
}

static void own(int signal_number) {
    (void)signal_number;
}

void take_over(int signal_number) {
    signal(signal_number, SIG_DFL);
    signal(signal_number, own);
}
