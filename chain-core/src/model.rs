//! Nouns: organisations, validators, items, designs. The protobuf messages are the domain types;
//! here stand their invariants and hashes.

pub mod amount;
pub mod change;
pub mod company_prefix;
pub mod design;
pub mod organisation;
pub mod unit_state;
pub mod validators;
