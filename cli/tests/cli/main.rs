//! The command line against a small ledger in this process: real execution, real headers, real
//! certificates, so that the client's checks are really exercised.

#![allow(
    clippy::print_stderr,
    reason = "campaigns say what they counted, and a test why it can't run here"
)]

mod captures;
mod checkpoints;
mod chinese;
mod consortium;
mod designs;
mod disputes;
mod earlier;
mod encrypted;
mod evidence;
mod expiry;
mod fake;
mod fields;
mod freshness;
mod gateway;
mod gateway_acts;
mod gateway_queries;
mod governance;
mod handovers;
mod help;
mod items;
mod keys;
mod look_alikes;
mod losses;
mod masterdata;
mod misbehaviour;
mod openings;
mod pages;
mod past;
mod power_cuts;
mod real_service;
mod regions;
mod reviews;
mod rights;
mod studio;
mod traces;
mod vouch;
