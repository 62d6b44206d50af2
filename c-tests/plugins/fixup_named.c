// Loaded by fixups_named.c: what FORKGUARD_FIXUPS may name.
int plain_calls, chosen_calls;
int a_variable = 1;

void plain(void) {
    plain_calls++;
}

static void chosen(void) {
    chosen_calls++;
}

static void (*choose(void))(void) {
    return chosen;
}

void indirect(void) __attribute__((ifunc("choose")));
