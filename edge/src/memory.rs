//! How the system hands this process its memory.

/// Memory comes in pages of 4 KiB for as long as the process lives. An allocator that asks for huge ones gets 2 MiB
/// cleared for the first byte of what it touches; where large answers come and go, that was half of their cost.
pub fn in_small_pages() -> std::io::Result<()> {
    Ok(rustix::thread::disable_transparent_huge_pages(true)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_small() {
        in_small_pages().unwrap();
        assert!(rustix::thread::transparent_huge_pages_are_disabled().unwrap());
    }
}
