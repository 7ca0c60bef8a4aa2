//! Capturing events in bulk: reading documents, packing events into transactions, sending them
//! in order and remembering what was sent, so that a run that was cut off can go on.

pub mod elements;
pub mod journal;
pub mod sender;
pub mod source;
pub mod table;
