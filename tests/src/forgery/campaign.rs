//! A campaign: numbered forgeries and flipped bits, each before the verifiers, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use prost::Message;
use touchstone_core::evidence::seal;
use touchstone_core::hash::{self, Hash};
use touchstone_proto::evidence::Evidence;

use super::attack::{Family, Forger};
use super::bundle::{Bundle, World};
use super::verifier::{Independent, examined};
use crate::random::{Random, mix};

/// Which forgeries are made of which kind, out of each 16.
const SHARES: [Family; 16] = [
    Family::Graft,
    Family::Link,
    Family::Graft,
    Family::Path,
    Family::Graft,
    Family::Absence,
    Family::Graft,
    Family::Votes,
    Family::Graft,
    Family::Header,
    Family::Graft,
    Family::Handover,
    Family::Link,
    Family::Rewritten,
    Family::OtherChain,
    Family::Rewritten,
];

/// A forgery that a verifier let pass.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// What it is.
    pub what: String,
    /// Who let it pass.
    pub verifier: &'static str,
    /// The file.
    pub file: Vec<u8>,
}

/// What came of a part of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Forgeries by kind.
    pub made: BTreeMap<&'static str, u64>,
    /// Refusals by the product's own examination, by the element that refused.
    pub refused: BTreeMap<&'static str, u64>,
    /// Forgeries that the independent verifier judged too.
    pub judged_twice: u64,
    /// Those that both refuse, for different elements.
    pub other_element: u64,
    /// Those that shouldn't be.
    pub accepted: Vec<Accepted>,
}

impl Tally {
    /// Adds another part.
    pub fn add(&mut self, other: Tally) {
        for (name, count) in other.made {
            *self.made.entry(name).or_default() += count;
        }
        for (name, count) in other.refused {
            *self.refused.entry(name).or_default() += count;
        }
        self.judged_twice += other.judged_twice;
        self.other_element += other.other_element;
        self.accepted.extend(other.accepted);
    }

    /// All forgeries.
    pub fn total(&self) -> u64 {
        self.made.values().sum()
    }

    fn note(
        &mut self,
        kind: &'static str,
        what: impl Fn() -> String,
        file: &[u8],
        own: Option<&'static str>,
        other: Option<Option<String>>,
    ) {
        *self.made.entry(kind).or_default() += 1;
        let accepted = |verifier| Accepted {
            what: what(),
            verifier,
            file: file.to_vec(),
        };
        match own {
            Some(element) => *self.refused.entry(element).or_default() += 1,
            None => self.accepted.push(accepted("touchstone")),
        }
        match other {
            None => {}
            Some(None) => {
                self.judged_twice += 1;
                self.accepted.push(accepted("independent"));
            }
            Some(Some(element)) => {
                self.judged_twice += 1;
                self.other_element += u64::from(own.is_some_and(|own| own != element));
            }
        }
    }
}

/// Worlds, a forger who knows them, and all genuine files.
pub struct Campaign {
    seed: u64,
    forger: Forger,
    /// SHA-256 of the genuine files' contents.
    genuine: BTreeSet<Hash>,
    chain_id: Hash,
}

impl Campaign {
    /// Everything follows from the seed.
    pub fn new(seed: u64, worlds: usize) -> Campaign {
        let mut random = Random::new(seed);
        let worlds: Vec<World> = (0..worlds).map(|_| World::grow(&mut random)).collect();
        let forger = Forger::new(worlds, &mut random);
        let bundles = forger.worlds().iter().flat_map(|world| &world.bundles);
        let genuine = bundles.map(|b| fingerprint(&b.evidence)).collect();
        let chain_id = forger.worlds()[0].chain.id;
        Campaign {
            seed,
            forger,
            genuine,
            chain_id,
        }
    }

    /// Exact bytes of the genesis document that all worlds begin with.
    pub fn genesis(&self) -> &[u8] {
        &self.forger.worlds()[0].chain.genesis
    }

    /// So many genuine files, of every world in turn; fewer if there are no more.
    pub fn bundles(&self, count: usize) -> Vec<&Bundle> {
        let worlds = self.forger.worlds();
        let longest = worlds.iter().map(|w| w.bundles.len()).max().unwrap_or(0);
        let mut bundles: Vec<&Bundle> = (0..longest)
            .flat_map(|at| worlds.iter().filter_map(move |w| w.bundles.get(at)))
            .collect();
        bundles.truncate(count);
        bundles
    }

    /// Genuine files that a verifier refuses: must be none, or a refusal says nothing.
    pub fn refused_though_genuine(
        &self,
        independent: Option<&mut Independent>,
    ) -> io::Result<Vec<String>> {
        let files: Vec<Vec<u8>> = self
            .bundles(usize::MAX)
            .iter()
            .map(|b| seal(&b.evidence))
            .collect();
        let own = files
            .iter()
            .map(|f| examined(f, self.chain_id).map(str::to_owned));
        let mut refused: Vec<String> = own.flatten().collect();
        if let Some(independent) = independent {
            refused.extend(independent.judge(&files)?.into_iter().flatten());
        }
        Ok(refused)
    }

    /// The forgery of this number: its kind and its content.
    pub fn forgery(&self, number: u64) -> (Family, Evidence) {
        let family = SHARES[(number % SHARES.len() as u64) as usize];
        let mut random = Random::new(mix(self.seed) ^ number);
        loop {
            let forged = self.forger.forge(family, &mut random);
            if let Some(forged) = forged
                && !self.genuine.contains(&fingerprint(&forged))
            {
                return (family, forged);
            }
        }
    }

    /// Judges these forgeries; the independent verifier judges every `each`th of them.
    pub fn structural(
        &self,
        numbers: impl Iterator<Item = u64>,
        mut independent: Option<(&mut Independent, u64)>,
    ) -> io::Result<Tally> {
        let mut tally = Tally::default();
        let numbers: Vec<u64> = numbers.collect();
        for some in numbers.chunks(64) {
            let forged: Vec<_> = some.iter().map(|n| (*n, self.forgery(*n))).collect();
            let files: Vec<_> = forged.iter().map(|(_, (_, e))| seal(e)).collect();
            let mut others = vec![None; files.len()];
            if let Some((verifier, each)) = &mut independent {
                let chosen: Vec<usize> = (0..files.len())
                    .filter(|at| (forged[*at].0 / SHARES.len() as u64).is_multiple_of(*each))
                    .collect();
                let sent: Vec<_> = chosen.iter().map(|at| files[*at].clone()).collect();
                for (at, verdict) in chosen.into_iter().zip(verifier.judge(&sent)?) {
                    others[at] = Some(verdict);
                }
            }
            for (((number, (family, _)), file), other) in forged.iter().zip(&files).zip(others) {
                let own = examined(file, self.chain_id);
                let what = || format!("forgery-{}-{number}", self.seed);
                tally.note(family.name(), what, file, own, other);
            }
        }
        Ok(tally)
    }

    /// Flips each bit of a genuine file, as it is (the checksum stays) or with a new checksum, but
    /// for the words that prove nothing. The independent verifier judges every `each`th.
    pub fn flips(
        &self,
        bundle: &Bundle,
        with_new_checksum: bool,
        mut independent: Option<(&mut Independent, u64)>,
    ) -> io::Result<Tally> {
        let mut tally = Tally::default();
        let mut file = seal(&bundle.evidence);
        let content = file.len() - 32;
        let unproven = match with_new_checksum {
            true => bundle.unproven(&file[..content]),
            false => BTreeSet::new(),
        };
        let (kind, end) = match with_new_checksum {
            true => ("bits flipped, with a new checksum", content),
            false => ("bits flipped", file.len()),
        };
        let mut waiting: Vec<(usize, Vec<u8>)> = Vec::new();
        for bit in (0..end * 8).filter(|bit| !unproven.contains(&(bit / 8))) {
            file[bit / 8] ^= 1 << (bit % 8);
            if with_new_checksum {
                let sum = hash::sha256(&file[..content]);
                file[content..].copy_from_slice(&sum);
            }
            let own = examined(&file, self.chain_id);
            let what = || {
                format!(
                    "flip-{bit}-of-{}",
                    hex::encode(&fingerprint(&bundle.evidence)[..4])
                )
            };
            if let Some((verifier, each)) = &mut independent
                && (bit as u64).is_multiple_of(*each)
            {
                waiting.push((bit, file.clone()));
                if waiting.len() == 32 || bit + *each as usize >= end * 8 {
                    let sent: Vec<_> = waiting.iter().map(|(_, f)| f.clone()).collect();
                    for ((bit, file), verdict) in waiting.drain(..).zip(verifier.judge(&sent)?) {
                        tally.judged_twice += 1;
                        if verdict.is_none() {
                            let what = format!("flip-{bit}");
                            tally.accepted.push(Accepted {
                                what,
                                verifier: "independent",
                                file,
                            });
                        }
                    }
                }
            }
            tally.note(kind, what, &file, own, None);
            file[bit / 8] ^= 1 << (bit % 8);
        }
        Ok(tally)
    }
}

fn fingerprint(evidence: &Evidence) -> Hash {
    hash::sha256(&evidence.encode_to_vec())
}
