//! A round certificate: the votes that let a node enter a round.

use arc_malachitebft_core_consensus::Input as CoreInput;

use super::Received;
use crate::consensus::Machine;
use crate::consensus::message::RoundCertificate;
use crate::storage::{Disk, Store};

impl<S: Store, D: Disk> Machine<S, D> {
    /// A verified round certificate of the running height.
    pub(super) fn on_round(&mut self, certificate: RoundCertificate) -> Received {
        self.feed(CoreInput::RoundCertificate(certificate))?;
        Ok(Ok(()))
    }
}
