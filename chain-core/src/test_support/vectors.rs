//! The test vectors of `docs/format.md`.
