//! A design's certificate as a file: what is proven of a deposit, for people and for programs.

pub mod facts;
pub mod page;
