//! Look-alikes among pictures: bounded decoding, fingerprints in integers, exact search.
//!
//! `docs/fingerprint.md` is the specification of [`fingerprint`] and of distances, bit by bit; its SHA-256,
//! [`SPECIFICATION`], names it wherever fingerprints are kept. It starts from given pixels (8-bit RGB). How a
//! file becomes pixels is no part of it, since decoders of JPEG differ: that is the feature `decode`, which the
//! ledger's rules do without.
//!
//! This crate knows no ledger: no designs, owners, blocks or proofs. It has no I/O, clock, randomness or threads.
//! The ledger's rules stand on it. Each file's head says whether it decides which blocks are valid.
//!
//! Consensus-critical: no
//!
//! ```
//! use touchstone_pictures::{Pixels, fingerprint};
//!
//! let rgb: Vec<u8> = (0u32..64 * 48 * 3).map(|i| (i * i / 977) as u8).collect();
//! let mirrored: Vec<u8> = rgb
//!     .chunks(64 * 3)
//!     .flat_map(|row| row.chunks(3).rev().flatten().copied().collect::<Vec<u8>>())
//!     .collect();
//! let ours = fingerprint(&Pixels::new(64, 48, &rgb)?);
//! let theirs = fingerprint(&Pixels::new(64, 48, &mirrored)?);
//! let nearest = ours.whole.nearest(&theirs.whole);
//! assert_eq!((nearest.distance, nearest.variant.name()), (0, "mirrored"));
//! # Ok::<(), touchstone_pictures::BadPixels>(())
//! ```

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::todo,
        clippy::unimplemented
    )
)]

mod bits;
#[cfg(feature = "decode")]
mod decode;
mod features;
mod fingerprint;
mod grey;
mod index;
mod pixels;
mod region_index;
mod regions;
mod transform;
mod trim;
mod windows;

pub use bits::{BITS, Bits, Nearest, Variant};
#[cfg(feature = "decode")]
pub use decode::{DecodeError, MAX_FILE_BYTES, Picture, check_end, decode};
pub use features::{
    FRAME, Feature, Features, MAX_FEATURE_BYTES, MAX_FEATURES, REGIONS_SPECIFICATION, features,
    fine_features, mirrored_features,
};
pub use fingerprint::{Fingerprint, MIN_QUALITY, SPECIFICATION, fingerprint};
pub use index::{Compared, Hit, Index, MAX_DISTANCE, MAX_EARLIEST, MAX_HITS};
pub use pixels::{BadPixels, MAX_PIXELS, MAX_SIDE, Pixels};
pub use region_index::{MAX_REGIONS, RegionHit, RegionIndex};
pub use regions::{
    MIN_AGREEING, MIN_AGREEING_SMALL, QUERY_FEATURES, Region, RegionQuery, RegionView,
    common_region,
};
pub use trim::{Rectangle, trimmed};
pub use windows::{MAX_WINDOWS, features_within, windows};
