//! A polka: more than 2/3 of the prevotes of a round, for one block.

use arc_malachitebft_core_consensus::Input as CoreInput;

use super::Received;
use crate::consensus::context::number;
use crate::consensus::message::Polka;
use crate::consensus::{Machine, PeerTag};
use crate::storage::{Disk, Store};

impl<S: Store, D: Disk> Machine<S, D> {
    /// A verified polka of the running height. Its sender has the proposal.
    pub(super) fn on_polka(&mut self, from: &PeerTag, polka: Polka) -> Received {
        self.mention(from, number(polka.round), polka.value_id.0);
        self.feed(CoreInput::PolkaCertificate(polka))?;
        Ok(Ok(()))
    }
}
