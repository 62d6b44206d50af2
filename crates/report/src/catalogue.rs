//! The catalogue of findings: what each kind means and what cures it, for the server at hand.
use crate::event::Kind;

/// The server (or pool) that forks, as far as its texts differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// Anything else.
    Other,
    /// gunicorn.
    Gunicorn,
    /// uWSGI.
    Uwsgi,
    /// Unicorn.
    Unicorn,
    /// Puma.
    Puma,
    /// celery's prefork pool.
    Celery,
    /// Apache, nginx, php-fpm: servers whose children run no application code of their own hooks.
    Native,
}

impl Kind {
    /// What will happen in the child.
    pub fn explain(self) -> &'static str {
        ""
    }

    /// What to do about it under `server`.
    pub fn cure(self, server: Server) -> &'static str {
        let _ = server;
        ""
    }
}
