//! A design's certificate as a file: what is proven of a deposit, for people and for programs.

pub mod content;
pub mod credential;
pub mod data_integrity;
pub mod document;
pub mod facts;
pub mod sanctions_stated;
pub mod status_entry;
pub mod status_list;
pub mod vocabulary;
