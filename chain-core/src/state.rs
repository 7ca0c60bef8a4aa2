//! The ledger's state: keys, staged writes and the authenticated tree over them.
//!
//! Consensus-critical: yes

pub mod commitment;
pub mod delta;
pub mod keys;

use prost::Message;
use touchstone_pictures::{Bits, Compared, Features, Fingerprint, Index};
use touchstone_proto::ledger::{
    FingerprintCount, PictureFingerprint, PublishedFeatures, PublishedFingerprint,
};

use crate::encoding::{self, Malformed};
use crate::{Fault, Hash};

/// Reading the state after some block: on disk, in the simulator's memory, or staged over either.
pub trait StateRead {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// The values of several keys, in their order. A store that finds many at once faster than one by one answers the
    /// same sooner.
    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    /// Whether a transaction with this id is in the chain.
    fn is_committed(&self, transaction_id: &Hash) -> Result<bool, Fault>;

    /// Compares a picture with the first `count` published ones, which must be there. This reads each of them; a
    /// store that keeps them in memory answers the same at once.
    fn compare(&self, fingerprint: &Fingerprint, count: u64) -> Result<Compared, Fault> {
        compare_from(self, fingerprint, 0, count)
    }
}

/// Decodes a stored message.
pub fn decode_stored<M: Message + Default>(key: &[u8], bytes: &[u8]) -> Result<M, Fault> {
    encoding::decode_exact(bytes)
        .map_err(|e| Fault::Damaged(format!("state key {}: {e}", key.escape_ascii())))
}

/// How many fingerprints were published.
pub fn fingerprint_count<S: StateRead + ?Sized>(state: &S) -> Result<FingerprintCount, Fault> {
    let stored = state.get(keys::FINGERPRINTS)?;
    match stored {
        Some(bytes) => decode_stored(keys::FINGERPRINTS, &bytes),
        None => Ok(FingerprintCount::default()),
    }
}

/// The fingerprint with this number, which must be there, and its record.
pub fn published_fingerprint<S: StateRead + ?Sized>(
    state: &S,
    number: u64,
) -> Result<(PublishedFingerprint, Fingerprint), Fault> {
    let key = keys::fingerprint(number);
    let damaged = |why: &str| Fault::Damaged(format!("fingerprint {number}: {why}"));
    let bytes = state.get(&key)?.ok_or_else(|| damaged("missing"))?;
    let record: PublishedFingerprint = decode_stored(&key, &bytes)?;
    let picture = record.picture.as_ref();
    let picture = picture.ok_or_else(|| damaged("without a picture"))?;
    let fingerprint = stored_fingerprint(picture).map_err(|e| damaged(&e.to_string()))?;
    Ok((record, fingerprint))
}

/// The features of the picture with this number, which must be there, and their record.
pub fn published_features<S: StateRead + ?Sized>(
    state: &S,
    number: u64,
) -> Result<(PublishedFeatures, Features), Fault> {
    let key = keys::features(number);
    let damaged = |why: &str| Fault::Damaged(format!("features {number}: {why}"));
    let bytes = state.get(&key)?.ok_or_else(|| damaged("missing"))?;
    let record: PublishedFeatures = decode_stored(&key, &bytes)?;
    let picture = record.picture.as_ref();
    let features = picture.and_then(|picture| Features::published(&picture.features));
    let features = features.ok_or_else(|| damaged("they don't follow the specification"))?;
    Ok((record, features))
}

/// Compares a picture with the published ones from number `from` up to `count`, exclusive, reading each; numbers
/// in the outcome count from `from`.
pub fn compare_from<S: StateRead + ?Sized>(
    state: &S,
    fingerprint: &Fingerprint,
    from: u64,
    count: u64,
) -> Result<Compared, Fault> {
    let mut index = Index::default();
    for number in from..count {
        index.push(&published_fingerprint(state, number)?.1);
    }
    Ok(index.search(fingerprint, u64::MAX))
}

/// A stored fingerprint, decoded.
pub fn stored_fingerprint(picture: &PictureFingerprint) -> Result<Fingerprint, Malformed> {
    let quality = |value: u32| u8::try_from(value).unwrap_or(u8::MAX);
    Ok(Fingerprint {
        whole: Bits::from_bytes(&encoding::exact("whole", &picture.whole)?),
        trimmed: Bits::from_bytes(&encoding::exact("trimmed", &picture.trimmed)?),
        whole_quality: quality(picture.whole_quality),
        trimmed_quality: quality(picture.trimmed_quality),
    })
}
