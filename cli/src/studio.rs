//! A studio: a folder whose files are watched while a design comes about. Each change is a draft, and the drafts are a
//! hash chain in a log beside the files. Nothing leaves this machine; a deposit covers the chain's head.

mod log;
mod scan;

pub use log::{LOG, Named, OpenedLog, StudioLog, Words};
pub use scan::{MAX_FILES, StudioFile, scan};
