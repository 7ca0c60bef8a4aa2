//! Forged evidence: genuine files from chains of all kinds, what an attacker makes of them, and the
//! verifiers that must refuse every one of them.
//!
//! The attacker holds every organisation's key, knows every file there is, and holds the keys of
//! validators with less than a third of the voting power at every height. A forgery is numbered;
//! seed and number alone decide what it is.

pub mod attack;
pub mod bundle;
pub mod campaign;
mod deposits;
mod disputed;
mod event_logs;
pub mod family;
mod fields;
pub mod graft;
mod owners;
mod records;
mod sanctioned;
pub mod verifier;
pub mod votes;

#[cfg(test)]
mod tests;
