//! File descriptors. Sockets that strangers open must never take what the store and consensus need to open
//! their files, so the process raises its limit and refuses to start where it can't have enough.

use rlimit::Resource;

/// The process may not open enough files.
#[derive(Debug, thiserror::Error)]
pub enum DescriptorError {
    /// The limit can't be read or raised.
    #[error("the limit of open files can't be raised: {0}")]
    Refused(#[from] std::io::Error),
    /// The hard limit is too low.
    #[error(
        "this process may open {allowed} files and needs {needed}: raise its limit (LimitNOFILE={needed} in its \
         systemd unit, or `ulimit -Hn {needed}` before it starts)"
    )]
    TooFew {
        /// What the hard limit allows.
        allowed: u64,
        /// What is needed.
        needed: u64,
    },
}

/// Raises the limit to what is needed or more; the limit in force.
pub fn reserve(needed: u64) -> Result<u64, DescriptorError> {
    let (soft, hard) = Resource::NOFILE.get()?;
    check(hard, needed)?;
    // No more than twice what is needed: a fault that leaks descriptors should be noticed.
    let wanted = needed.saturating_mul(2).max(soft).min(hard);
    if wanted > soft {
        Resource::NOFILE.set(wanted, hard)?;
    }
    Ok(wanted)
}

fn check(allowed: u64, needed: u64) -> Result<(), DescriptorError> {
    match allowed < needed {
        true => Err(DescriptorError::TooFew { allowed, needed }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_low_a_limit_is_refused_with_what_is_needed() {
        assert!(check(100, 100).is_ok());
        let refused = check(99, 100).unwrap_err().to_string();
        assert!(
            refused.contains("99") && refused.contains("LimitNOFILE=100"),
            "{refused}"
        );
    }

    #[test]
    fn the_limit_is_raised_to_what_is_needed() {
        let (soft, _) = Resource::NOFILE.get().unwrap();
        assert!(reserve(64).unwrap() >= soft.max(64));
        assert!(matches!(
            reserve(u64::MAX),
            Err(DescriptorError::TooFew { .. })
        ));
    }
}
