//! Codes under a cover: whoever has the thing and opens the cover can show that the label is the one that its maker
//! printed. The maker records a salted hash of the code with the thing's beginning (docs/verdicts.md, "Codes under a
//! cover"); the code itself is printed, and stays with the maker.

use touchstone_core::hash::sha256;

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
