//! Nouns: organisations, validators, items, designs. The protobuf messages are the domain types;
//! here stand their invariants and hashes.

pub mod change;
pub mod design;
pub mod organisation;
pub mod validators;
