//! Whether this processor has the instructions that the database is compiled with (`scripts/lib/c++`). On one without
//! them the program would end by a signal, at its first checksum.

use super::NodeError;

/// An error where it hasn't.
pub fn check() -> Result<(), NodeError> {
    match has_checksums() {
        true => Ok(()),
        false => Err(NodeError::Processor),
    }
}

#[cfg(target_arch = "x86_64")]
fn has_checksums() -> bool {
    is_x86_feature_detected!("sse4.2") && is_x86_feature_detected!("pclmulqdq")
}

/// Others are asked by the database itself.
#[cfg(not(target_arch = "x86_64"))]
fn has_checksums() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What runs these tests has compiled the database for itself.
    #[test]
    fn this_processor_will_do() {
        assert!(check().is_ok());
        // Starting it again doesn't help.
        assert_eq!(NodeError::Processor.exit_code(), 3);
    }
}
