//! Packed files (APPNOTE 6.3), as far as workbooks use them: parts that are stored or deflated, found by the directory
//! at the file's end. No crate for it is among the dependencies; flate2, which unpacks, is. What would let one reader
//! see another file than the next is refused: encryption, several disks, one name twice, sizes and sums that don't fit.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read};

use flate2::Crc;
use flate2::read::DeflateDecoder;

/// Bytes that all parts which are read may come to, unpacked.
const UNPACKED_BYTES: u64 = 256 << 20;
/// Parts of a file.
const PARTS: usize = 10_000;
const END: u32 = 0x0605_4b50;
const END_BYTES: usize = 22;
const CENTRAL: u32 = 0x0201_4b50;
const CENTRAL_BYTES: usize = 46;
const LOCAL: u32 = 0x0403_4b50;
const LOCAL_BYTES: usize = 30;
/// Instead of a number that has more than 32 bits.
const ELSEWHERE: u32 = u32::MAX;

/// A packed file.
pub(super) struct Zip<'a> {
    bytes: &'a [u8],
    parts: BTreeMap<String, Entry>,
    left: Cell<u64>,
}

/// A part, as the directory has it.
struct Entry {
    method: u16,
    is_encrypted: bool,
    sum: u32,
    packed: u32,
    size: u32,
    offset: u32,
}

impl<'a> Zip<'a> {
    /// Reads the directory.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Zip<'a>, String> {
        let broken = || "its directory is damaged or cut off".to_owned();
        // A comment may stand behind the end, and its length says where.
        let last = bytes.len().saturating_sub(END_BYTES);
        let first = last.saturating_sub(usize::from(u16::MAX));
        let end = (first..=last).rev().find(|at| {
            let comment = u16_at(bytes, at + 20).map(usize::from);
            u32_at(bytes, *at) == Some(END) && comment == Some(bytes.len() - at - END_BYTES)
        });
        let end = end.ok_or_else(broken)?;
        let count = usize::from(u16_at(bytes, end + 10).ok_or_else(broken)?);
        let one_disk =
            u32_at(bytes, end + 4) == Some(0) && u16_at(bytes, end + 8) == u16_at(bytes, end + 10);
        let offset = u32_at(bytes, end + 16).ok_or_else(broken)?;
        if !one_disk || offset == ELSEWHERE || count > PARTS {
            return Err(format!(
                "it has several disks, more than 4 GiB or more than {PARTS} parts"
            ));
        }
        let mut at = offset as usize;
        let mut parts = BTreeMap::new();
        for _ in 0..count {
            let (entry, name, next) = central(bytes, at).ok_or_else(broken)?;
            if parts.insert(name.clone(), entry).is_some() {
                return Err(format!("it has two parts named {name:?}"));
            }
            at = next;
        }
        Ok(Zip {
            bytes,
            parts,
            left: Cell::new(UNPACKED_BYTES),
        })
    }

    /// Unpacks a part.
    pub(super) fn open(&self, name: &str) -> Result<ZipPart<'a>, String> {
        let part = self.parts.get(name);
        let part = part.ok_or_else(|| {
            format!("it is a packed file without a part {name:?}, and no workbook")
        })?;
        let broken = || format!("its part {name:?} is damaged");
        let (size, packed) = (u64::from(part.size), part.packed as usize);
        if part.is_encrypted || part.size == ELSEWHERE || part.packed == ELSEWHERE {
            return Err(format!(
                "its part {name:?} has a password or more than 4 GiB"
            ));
        }
        let left = self.left.get().checked_sub(size).ok_or_else(|| {
            format!(
                "it has more than {} MiB unpacked; split it",
                UNPACKED_BYTES >> 20
            )
        })?;
        self.left.set(left);
        let start = part.offset as usize;
        let head = self.bytes.get(start..).ok_or_else(broken)?;
        if u32_at(head, 0) != Some(LOCAL) {
            return Err(broken());
        }
        let length = |at| u16_at(head, at).map(usize::from).ok_or_else(broken);
        let from = LOCAL_BYTES + length(26)? + length(28)?;
        let data = head.get(from..).and_then(|rest| rest.get(..packed));
        let data = data.ok_or_else(broken)?;
        let unpacked: Box<dyn Read + 'a> = match part.method {
            0 => Box::new(data),
            8 => Box::new(DeflateDecoder::new(data)),
            other => {
                return Err(format!(
                    "its part {name:?} is packed by method {other}, which isn't read"
                ));
            }
        };
        Ok(ZipPart {
            unpacked,
            sum: Crc::new(),
            read: 0,
            size,
            expected: part.sum,
        })
    }
}

/// An entry of the directory, its name, and where the next one is.
fn central(bytes: &[u8], at: usize) -> Option<(Entry, String, usize)> {
    let head = bytes.get(at..)?;
    if u32_at(head, 0)? != CENTRAL {
        return None;
    }
    let length = |at| u16_at(head, at).map(usize::from);
    let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
    let text = head.get(CENTRAL_BYTES..)?.get(..name)?;
    let entry = Entry {
        is_encrypted: u16_at(head, 8)? & 1 != 0,
        method: u16_at(head, 10)?,
        sum: u32_at(head, 16)?,
        packed: u32_at(head, 20)?,
        size: u32_at(head, 24)?,
        offset: u32_at(head, 42)?,
    };
    let text = std::str::from_utf8(text).ok()?;
    Some((
        entry,
        text.to_owned(),
        at + CENTRAL_BYTES + name + extra + comment,
    ))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let found = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*found))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let found = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*found))
}

/// A part's bytes. Reading fails where they aren't those that the directory tells of.
pub(super) struct ZipPart<'a> {
    unpacked: Box<dyn Read + 'a>,
    sum: Crc,
    read: u64,
    size: u64,
    expected: u32,
}

impl Read for ZipPart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wrong = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        let count = self.unpacked.read(buffer)?;
        self.sum.update(buffer.get(..count).unwrap_or_default());
        self.read += count as u64;
        if self.read > self.size {
            return Err(wrong("a part is larger than the directory says"));
        }
        let is_over = count == 0 && !buffer.is_empty();
        if is_over && (self.read != self.size || self.sum.sum() != self.expected) {
            return Err(wrong("a part isn't what the directory says"));
        }
        Ok(count)
    }
}
