//! Limits of fields, of vouching and of rights on designs: what keeps records and walks short.
//!
//! Consensus-critical: yes

/// The longest term of a vouching, days: two years.
pub const MAX_VOUCHING_DAYS: u64 = 731;
/// The same in milliseconds.
pub const MAX_VOUCHING_MS: u64 = MAX_VOUCHING_DAYS * 24 * 3_600_000;
/// Designers that one voucher may vouch for in all its life.
pub const MAX_DESIGNERS: u64 = 1_000_000;
/// Bytes of the words about a check, and of a reason.
pub const MAX_WORDS_BYTES: usize = 512;
/// The longest term of a mark's registration from its attestation on, days: ten years and the half year before its end
/// in which it is renewed.
pub const MAX_MARK_DAYS: u64 = 3_837;
/// The same in milliseconds.
pub const MAX_MARK_MS: u64 = MAX_MARK_DAYS * 24 * 3_600_000;
/// Authors that a deposit names.
pub const MAX_AUTHORS: usize = 8;
/// Bytes of an author's name.
pub const MAX_AUTHOR_BYTES: usize = 256;
/// Bytes of a description.
pub const MAX_DESCRIPTION_BYTES: usize = 2_048;
/// Bytes of a field's disclosure: a description of `"` alone, escaped, in base64url, fits.
pub const MAX_DISCLOSURE_BYTES: usize = 8_192;
/// Drafts before a deposit.
pub const MAX_DRAFTS: usize = 65_536;
/// Bytes of one.
pub const MAX_DRAFT_BYTES: usize = 65_536;
/// Files that changed in one.
pub const MAX_DRAFT_FILES: usize = 256;
/// Bytes of what a draft says of who made it, on what device, with what program.
pub const MAX_STUDIO_BYTES: usize = 128;
/// Bytes of a mark's number.
pub const MAX_NUMBER_BYTES: usize = 64;
/// Bytes of a mark in words.
pub const MAX_MARK_NAME_BYTES: usize = 128;
/// An hour, milliseconds: deadlines of disputes are ends of hours.
pub const HOUR_MS: u64 = 3_600_000;
/// Deadlines in a page of an hour's list, and deadlines that one block looks at, but for the rest of a page.
pub const MAX_DUE: usize = 256;
/// Hours that one block looks at, at most.
pub const MAX_HOURS: u64 = 512;
/// Disputes under one right that are open at once.
pub const MAX_OPEN_DISPUTES: u64 = 10_000;
/// Bytes of a respondent's name: an id of a voucher and of a designer.
pub const MAX_RESPONDENT_BYTES: usize = 129;
/// Bytes of an authority's number of a case.
pub const MAX_REFERENCE_BYTES: usize = 128;
/// Owners of a right that its record names.
pub const MAX_OWNERS: usize = 8;
/// How long after its block an offered transfer may be answered, days.
pub const MAX_TRANSFER_DAYS: u64 = 366;
/// The same in milliseconds.
pub const MAX_TRANSFER_MS: u64 = MAX_TRANSFER_DAYS * 24 * 3_600_000;
/// Country codes of a licence.
pub const MAX_TERRITORIES: usize = 32;
/// Licences that stand on each other, beside the first.
pub const MAX_DEPTH: u32 = 3;
/// Organisations or classes that a licence names for sublicences.
pub const MAX_SUBLICENSEES: usize = 8;
/// Licences of one licensee for one right that have not ended.
pub const MAX_LICENCES: usize = 4;
/// Checks of one dispute.
pub const MAX_CHECKS: usize = 16;
/// Hand-overs of one case.
pub const MAX_HAND_OVERS: usize = 4;
/// Sanctions that one dispute is a ground of.
pub const MAX_SANCTIONS_OF_DISPUTE: usize = 4;
/// Grounds of one sanction.
pub const MAX_GROUNDS: usize = 8;
/// Sanctions against one organisation that a record names; so many are in force at once, at most.
pub const MAX_SANCTIONS: usize = 8;
/// How many of these are warnings, at most: what bars nobody leaves room for what does.
pub const MAX_WARNINGS: usize = MAX_SANCTIONS / 2;
/// Bytes of a register's number.
pub const MAX_REGISTERED_BYTES: usize = 64;
/// A day, milliseconds.
pub const DAY_MS: u64 = 24 * HOUR_MS;
