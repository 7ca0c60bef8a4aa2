//! Master data: what the owner of a GS1 company prefix states of the products, places and parties that it identifies
//! (EPCIS 2.0 §6.1.1). An identifier has one current record; each later version replaces it, and the versions before
//! stay in the state beside it, so that each of them is proven like any other record.
//!
//! Consensus-critical: yes

mod limits;
mod rejection;
pub(crate) mod set_master_data;

pub use limits::{
    MAX_ATTRIBUTE_DEPTH, MAX_ATTRIBUTE_NAME_BYTES, MAX_ATTRIBUTE_TEXT_BYTES, MAX_ATTRIBUTES,
    MAX_ELEMENT_BYTES, MAX_ELEMENTS, MAX_VOCABULARIES,
};
pub use rejection::MasterDataRejection;
pub use set_master_data::check_element;
