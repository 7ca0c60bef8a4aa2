//! Reading events to be captured: documents, folders and tables. The light client packs them into
//! transactions, sends them in order and keeps the journal.

pub mod elements;
pub mod source;
pub mod table;
