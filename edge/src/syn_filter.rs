//! A program that the system runs for each packet to a listening socket (classic BPF, `SO_ATTACH_FILTER`): it drops
//! SYNs of those who are shed, but one of so many by lot. No handshake is made for what it drops, and no answer sent,
//! so that the sender's system comes more and more seldom (RFC 6298, section 5).
//!
//! The packet's data begin at the head of TCP (RFC 9293, section 3.1); the heads of IP (RFC 791, section 3.1; RFC 8200,
//! section 3) and the lot stand at places of their own (Linux, `Documentation/networking/filter.rst`). A socket that is
//! accepted inherits the program: only a SYN that begins a connection may be dropped.
//!
//! No crate that is taken here writes such programs; `socket2` attaches them.

use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::AsFd;

use socket2::{SockFilter, SockRef};

use crate::flooders::Shed;

/// Loads a byte of the packet.
const LOAD_BYTE: u16 = 0x30;
/// Loads four bytes of the packet, or an extension.
const LOAD_WORD: u16 = 0x20;
/// Loads a word that was kept.
const LOAD_KEPT: u16 = 0x60;
/// Keeps what is loaded.
const KEEP: u16 = 0x02;
/// Keeps certain bits of what is loaded.
const AND: u16 = 0x54;
/// Goes on elsewhere.
const JUMP: u16 = 0x05;
/// Goes on by whether it equals a number.
const IF_EQUAL: u16 = 0x15;
/// Goes on by whether it has one of certain bits.
const IF_ANY_BIT: u16 = 0x45;
/// Ends: so many bytes of the packet pass.
const PASS: u16 = 0x06;

/// Where TCP's flags stand, and two of them.
const FLAGS: u32 = 13;
const SYN: u32 = 0x02;
const ACK: u32 = 0x10;
/// Where IP's head begins (`SKF_NET_OFF`); its version stands in the upper half of its first byte.
const IP: u32 = 0xfff0_0000;
const VERSION: u32 = 0xf0;
const SIX: u32 = 0x60;
/// Where a packet's source stands in it.
const SOURCE_V4: u32 = IP + 12;
const SOURCE_V6: u32 = IP + 8;
/// A random number (`SKF_AD_OFF`, `SKF_AD_RANDOM`).
const LOT: u32 = 0xffff_f000 + 56;

/// One step of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Instruction {
    code: u16,
    /// How many are skipped where a condition holds, and where it doesn't.
    skips: [u8; 2],
    operand: u32,
}

impl Instruction {
    fn assembled(self) -> SockFilter {
        let [if_so, if_not] = self.skips;
        SockFilter::new(self.code, if_so, if_not, self.operand)
    }
}

const fn step(code: u16, operand: u32) -> Instruction {
    Instruction {
        code,
        skips: [0, 0],
        operand,
    }
}

const fn branch(code: u16, operand: u32, if_so: u8, if_not: u8) -> Instruction {
    Instruction {
        code,
        skips: [if_so, if_not],
        operand,
    }
}

const ALL: Instruction = step(PASS, u32::MAX);
const NOTHING: Instruction = step(PASS, 0);

/// The program that sheds these owners.
fn program(shed: &[Shed]) -> Vec<Instruction> {
    let (mut v4, mut v6) = (
        vec![step(LOAD_WORD, SOURCE_V4)],
        vec![
            step(LOAD_WORD, SOURCE_V6),
            step(KEEP, 0),
            step(LOAD_WORD, SOURCE_V6 + 4),
            step(KEEP, 1),
        ],
    );
    for Shed { owner, halvings } in shed {
        let lot = lot(*halvings);
        match owner {
            IpAddr::V4(address) => {
                v4.push(branch(IF_EQUAL, u32::from(*address), 0, 4));
                v4.extend(lot);
            }
            IpAddr::V6(network) => {
                let [high, low] = words(*network);
                v6.extend([
                    step(LOAD_KEPT, 0),
                    branch(IF_EQUAL, high, 0, 6),
                    step(LOAD_KEPT, 1),
                    branch(IF_EQUAL, low, 0, 4),
                ]);
                v6.extend(lot);
            }
        }
    }
    v4.push(ALL);
    v6.push(ALL);
    let begin = [
        step(LOAD_BYTE, FLAGS),
        step(AND, SYN | ACK),
        branch(IF_EQUAL, SYN, 1, 0),
        ALL,
        step(LOAD_BYTE, IP),
        step(AND, VERSION),
        branch(IF_EQUAL, SIX, 0, 1),
        step(JUMP, u32::try_from(v4.len()).unwrap_or(u32::MAX)),
    ];
    [begin.as_slice(), &v4, &v6].concat()
}

/// Lets one of 2^`halvings` pass.
fn lot(halvings: u32) -> [Instruction; 4] {
    let bits = u32::MAX.checked_shr(32u32.saturating_sub(halvings));
    [
        step(LOAD_WORD, LOT),
        branch(IF_ANY_BIT, bits.unwrap_or(0), 0, 1),
        NOTHING,
        ALL,
    ]
}

/// The upper half of an address, which an owner has for itself.
fn words(network: Ipv6Addr) -> [u32; 2] {
    let [a, b, c, d, ..] = network.segments().map(u32::from);
    [(a << 16) | b, (c << 16) | d]
}

/// The filter of a listening socket.
#[derive(Debug, Default)]
pub(crate) struct SynFilter {
    is_attached: bool,
    is_refused: bool,
}

impl SynFilter {
    /// Sheds these owners from now on, and no others.
    pub fn set(&mut self, listener: &impl AsFd, shed: &[Shed]) {
        let socket = SockRef::from(listener);
        let done = match shed {
            [] if !self.is_attached => return,
            [] => socket.detach_filter(),
            _ => {
                let steps = program(shed).into_iter().map(Instruction::assembled);
                socket.attach_filter(&steps.collect::<Vec<_>>())
            }
        };
        match done {
            Ok(()) => self.is_attached = !shed.is_empty(),
            // What was there goes on. It is said once.
            Err(error) if !self.is_refused => {
                self.is_refused = true;
                tracing::warn!(%error, "the system sheds no SYNs: a flood of connections will cost it time");
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
