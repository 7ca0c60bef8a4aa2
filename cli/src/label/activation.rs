//! Codes under a cover: whoever has the thing and opens the cover can show that the label is the one that its maker
//! printed. The maker records a salted hash of the code with the thing's beginning (docs/verdicts.md, "Codes under a
//! cover"); the code itself is printed, and stays with the maker.

use touchstone_core::hash::{Hash, sha256};

/// The member of `ilmd` that holds the hash, with the prefix `touchstone` for `urn:touchstone:epcis:`.
pub const FIELD: &str = "touchstone:activation";
/// Digits and letters without those that are taken for others (Crockford's base 32): five bits each.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters of a code: 60 bits.
const LENGTH: usize = 12;
/// Bytes of a salt.
const SALT: usize = 16;

/// A code, and what is recorded of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// As it is printed: three groups of four letters.
    pub code: String,
    /// The value of [`FIELD`].
    pub recorded: String,
}

impl Activation {
    /// Of randomness: 12 bytes for the letters, then the salt.
    pub fn from_random(random: &[u8; LENGTH + SALT]) -> Activation {
        let (letters, salt) = random.split_at(LENGTH);
        let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied();
        let letters: Vec<u8> = letters.iter().filter_map(letter).collect();
        let hash = sha256(&[salt, &letters].concat());
        let groups: Vec<_> = letters.chunks(4).map(String::from_utf8_lossy).collect();
        Activation {
            code: groups.join("-"),
            recorded: format!("sha256:{}:{}", hex::encode(salt), hex::encode(hash)),
        }
    }

    /// A new one.
    pub fn draw() -> Result<Activation, getrandom::Error> {
        let mut random = [0; LENGTH + SALT];
        getrandom::fill(&mut random)?;
        Ok(Activation::from_random(&random))
    }
}

/// A code as a maker recorded it: `sha256:`, the salt, `:`, the salted hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedCode {
    salt: [u8; SALT],
    hash: Hash,
}

impl RecordedCode {
    /// Reads the value of [`FIELD`]; none where it is in another form.
    pub fn read(text: &str) -> Option<RecordedCode> {
        let (salt, hash) = text.strip_prefix("sha256:")?.split_once(':')?;
        let is_lower = |digits: &str| !digits.bytes().any(|b| b.is_ascii_uppercase());
        let (salt, hash) = match is_lower(salt) && is_lower(hash) {
            true => (hex::decode(salt).ok()?, hex::decode(hash).ok()?),
            false => return None,
        };
        Some(RecordedCode {
            salt: salt.try_into().ok()?,
            hash: hash.try_into().ok()?,
        })
    }

    /// Whether a code as a person types it is this one.
    pub fn fits(&self, typed: &str) -> bool {
        sha256(&[self.salt.as_slice(), letters(typed).as_bytes()].concat()) == self.hash
    }

    /// The identifier under which its openings are recorded.
    pub fn openings(&self) -> String {
        let (salt, hash) = (hex::encode(self.salt), hex::encode(self.hash));
        format!("urn:touchstone:activation:sha256:{salt}:{hash}")
    }
}

/// The letters of a code as people type it: with small letters, spaces, and look-alikes of those that a code has.
pub fn letters(typed: &str) -> String {
    let kept = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
    kept.map(|c| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    })
    .collect()
}
