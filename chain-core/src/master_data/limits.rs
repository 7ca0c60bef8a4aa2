//! Limits of master data: what keeps a record short enough to stand beside every answer.
//!
//! Consensus-critical: yes

/// Identifiers that one transaction may state master data of.
pub const MAX_ELEMENTS: usize = 64;
/// Bytes of what is stated of one identifier, in its encoding.
pub const MAX_ELEMENT_BYTES: usize = 8_192;
/// Vocabularies that an identifier belongs to.
pub const MAX_VOCABULARIES: usize = 8;
/// Attributes of an identifier, those in attributes counted too.
pub const MAX_ATTRIBUTES: usize = 128;
/// How deep attributes may lie in attributes: an attribute with a text has 1.
pub const MAX_ATTRIBUTE_DEPTH: usize = 4;
/// Bytes of an attribute's or a vocabulary's name.
pub const MAX_ATTRIBUTE_NAME_BYTES: usize = 256;
/// Bytes of an attribute's text.
pub const MAX_ATTRIBUTE_TEXT_BYTES: usize = 2_048;
