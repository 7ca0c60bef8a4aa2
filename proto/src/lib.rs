//! Messages on the wire, generated from `touchstone/*.proto`, and behind the feature `services`
//! the gRPC service of a node. This crate must not know any rule of the ledger.

/// Generated modules, nested as their packages are.
mod generated {
    #![allow(clippy::all, missing_docs, rustdoc::all)]
    pub mod ledger {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/touchstone.ledger.v1.rs"));
        }
    }
    pub mod peer {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/touchstone.peer.v1.rs"));
        }
    }
    pub mod evidence {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/touchstone.evidence.v1.rs"));
        }
    }
    pub mod node {
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/touchstone.node.v1.rs"));
        }
    }
}

/// The offline evidence file (`touchstone/evidence.proto`).
pub use generated::evidence::v1 as evidence;
/// What is signed, hashed or stored in the state (`touchstone/ledger.proto`).
pub use generated::ledger::v1 as ledger;
/// What a node answers to its clients (`touchstone/node.proto`).
pub use generated::node::v1 as node;
/// What nodes say to each other (`touchstone/peer.proto`).
pub use generated::peer::v1 as peer;

/// The encoded `FileDescriptorSet` of all files, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
