//! The locks inside the C library, by the names of the functions that take them.

/// Functions that take the same lock; all others have one of their own.
const FAMILIES: &[&[&str]] = &[
    &["localtime", "localtime_r", "mktime", "timelocal", "gmtime", "gmtime_r", "timegm", "tzset", "strftime", "ctime", "ctime_r"],
    &["setenv", "putenv", "unsetenv", "clearenv"],
    &["openlog", "syslog", "vsyslog", "closelog", "__syslog_chk", "__vsyslog_chk"],
    &["random", "srandom", "rand", "srand"],
    &["__cxa_atexit", "on_exit"],
    &["dl_iterate_phdr", "dlopen", "dlmopen", "dlclose"],
];

/// The function that stands for all that take the same lock.
pub(crate) fn family(name: &str) -> &str {
    FAMILIES.iter().find(|family| family.contains(&name)).map_or(name, |family| family[0])
}

/// True for functions that take the same lock.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one == other || FAMILIES.iter().any(|family| family.contains(&one) && family.contains(&other))
}

/// True for a function that holds no lock while it waits for the network or reads files: that a lost thread was inside says nothing of the
/// next call. One that does hang is seen from outside.
pub(crate) fn is_brief(name: &str) -> bool {
    const BRIEF: &[&str] = &["getaddrinfo", "getnameinfo", "initgroups"];
    name.starts_with("get") && name.ends_with("_r") || BRIEF.contains(&name)
}

/// True for a function that waits for what another thread does, and for no lock.
pub(crate) fn waits_for_threads(name: &str) -> bool {
    const PREFIXES: &[&str] = &["pthread_cond_", "pthread_barrier_", "sem_", "cnd_"];
    const NAMES: &[&str] = &[
        "pthread_join",
        "pthread_timedjoin_np",
        "pthread_clockjoin_np",
        "thrd_join",
        "syscall",
        "aio_suspend",
        "aio_suspend64",
        "gai_suspend",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix)) || NAMES.contains(&name)
}
