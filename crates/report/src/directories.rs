//! Where reports lie when nobody says where: the library writes there, the tool reads there.
use std::fmt::Arguments;

/// Calls `each` with the paths of the default directories in the order of preference. They are on disk as a rule (a report must not fill
/// memory) and belong to one user. `state` is XDG_STATE_HOME (XDG Base Directory Specification), `temporary` is TMPDIR, `user` the
/// effective user id. The home directory is not among them: a service's may be a place that the service itself uses.
pub fn default_directories(state: Option<&str>, temporary: Option<&str>, user: u32, mut each: impl FnMut(Arguments<'_>)) {
    if let Some(state) = state {
        each(format_args!("{state}/forkguard"));
    }
    each(format_args!("/var/tmp/forkguard-{user}"));
    each(format_args!("{}/forkguard-{user}", temporary.unwrap_or("/tmp")));
}

#[cfg(test)]
mod tests {
    use super::default_directories;

    fn all(state: Option<&str>, temporary: Option<&str>) -> Vec<String> {
        let mut all = Vec::new();
        default_directories(state, temporary, 7, |path| all.push(path.to_string()));
        all
    }

    #[test]
    fn the_state_home_comes_first() {
        assert_eq!(all(None, None), ["/var/tmp/forkguard-7", "/tmp/forkguard-7"]);
        assert_eq!(all(Some("/s"), Some("/t")), ["/s/forkguard", "/var/tmp/forkguard-7", "/t/forkguard-7"]);
    }
}
