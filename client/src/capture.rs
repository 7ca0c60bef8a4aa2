//! Recording events in bulk: packed into signed transactions, sent in order through a bounded window, with a
//! [`Journal`] of what was sent. A run that is cut off goes on where it stopped, and records nothing twice; it ends
//! well only once each event is proven to be recorded, or refused by a rule.

mod error;
mod event;
pub mod journal;
pub mod sender;

pub use error::CaptureError;
pub use event::{ENVELOPE_BYTES, EventRefusal, SourceEvent};
pub use journal::Journal;
pub use sender::{Decided, EventOutcome, Original, SendLimits, SendReport, SendStop, Sender};
