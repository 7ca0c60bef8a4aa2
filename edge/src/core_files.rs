//! A process that holds keys leaves no image of its memory behind when it dies.

use rlimit::Resource;

/// Forbids core files for as long as the process lives. A limit of 1 byte is below the smallest core file, and it is
/// what Linux takes as a word not to start a program that reads the image either (core(5)); 0 isn't.
pub fn forbid() -> std::io::Result<()> {
    Resource::CORE.set(1, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_core_file_is_left() {
        forbid().unwrap();
        assert_eq!(Resource::CORE.get().unwrap(), (1, 1));
        // For good: who takes the process over can't raise it without being root.
        assert!(forbid().is_ok());
    }
}
