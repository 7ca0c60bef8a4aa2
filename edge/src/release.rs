//! Which release a program of this workspace is: what `--version` prints and a node's status tells.

/// The version, and the commit where `scripts/release` built it: that sets `TOUCHSTONE_RELEASE`, so that a build is the
/// same wherever the sources lie, with git or without.
pub const VERSION: &str = match option_env!("TOUCHSTONE_RELEASE") {
    Some(release) => release,
    None => concat!(env!("CARGO_PKG_VERSION"), " (development build)"),
};

#[cfg(test)]
mod tests {
    use super::VERSION;

    #[test]
    fn it_begins_with_the_version_of_the_workspace() {
        let version = concat!(env!("CARGO_PKG_VERSION"), " (");
        assert!(VERSION.starts_with(version), "{VERSION}");
    }
}
