//! "May this seller do this with that design there and then?" is one question. Its answer is a function of a few
//! records,
//! so that who has these records, proven, answers it without trust in anybody; a no as well as a yes.
//!
//! An answer about a time before the block it is of never changes later: no right and no licence begins or ends
//! before its
//! block. It may only become untold, where a short list has let go of what is long over.
//!
//! Consensus-critical: no

use touchstone_proto::ledger::{
    Authorisation, Authorisations, Design, LicenceEnd, LicensedAct, PartySanctions, Right,
    SanctionKind, VouchedDesigner, Voucher,
};

use super::vouching::voucher_of;
use super::{licence, right, sanction};
use crate::Fault;
use crate::encoding;
use crate::governance::voucher;
use crate::hash::Hash;
use crate::state::delta::decode_stored;
use crate::state::{StateRead, keys};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaleQuestion {
    /// What the right is to: a design's id.
    pub subject: Hash,
    /// Id of who would act.
    pub seller: String,
    /// What it would do.
    pub act: LicensedAct,
    /// Where: a country code of ISO 3166-1 alpha-2.
    pub territory: String,
    /// When, milliseconds since 1970-01-01T00:00:00Z.
    pub at_ms: u64,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaleAnswer {
    /// It owns the right.
    Owner,
    /// A licence says so.
    Licensed(HeldLicence),
    /// It may not.
    No(Denial),
    /// The records tell only of the time from this one on, milliseconds.
    Untold {
        /// The earliest time that they tell of.
        from_ms: u64,
    },
}

/// A licence that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLicence {
    /// The licence as its licensee's list has it.
    pub licence: Authorisation,
    /// Who has it: the seller, or a class that it is in.
    pub licensee: String,
}

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// There is no such design.
    NoDesign,
    /// It wasn't deposited yet.
    NotYet,
    /// The right was given up before, at this time in milliseconds.
    RightEnded(u64),
    /// A sanction bars the seller from acting under this right.
    Sanctioned {
        /// Id of the sanction.
        sanction: Hash,
        /// The last moment of its term, milliseconds.
        until_ms: u64,
    },
    /// None of the seller's licences holds; each, and why not.
    NoLicence(Vec<(Authorisation, Shortfall)>),
}

/// Why a licence doesn't hold: the first of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortfall {
    /// It is for other acts.
    Act,
    /// It is for other places.
    Territory,
    /// It begins later.
    NotYet,
    /// Its term is over.
    Over,
    /// It was ended before, at this time in milliseconds.
    Ended(u64),
    /// One that it stands on was ended before, at this time in milliseconds.
    EndedAbove(u64),
    /// It is of a class that the seller wasn't in.
    Class,
    /// It is of a class whose voucher might not vouch then: suspended, removed, or without its role.
    ClassRests,
}

/// What is known of a record that the question reads.
pub enum Told {
    /// Its value; `None` where there is none.
    Value(Option<Vec<u8>>),
    /// Nothing: who answers held it back, because the rest settles the question.
    Withheld,
}

/// Answers from all of the state's records.
pub fn answer<S: StateRead + ?Sized>(state: &S, asked: &SaleQuestion) -> Result<SaleAnswer, Fault> {
    let read = |key: &[u8]| state.get(key).map(Told::Value);
    let answered = evaluate(&read, asked)?;
    answered.ok_or_else(|| Fault::Invariant("a record of the state was withheld".into()))
}

/// Answers from records of which some may be withheld; `None` where what is told doesn't settle it. They are read in
/// this order: the right (the design, if there is none); where the right says that somebody is sanctioned, the seller's
/// sanctions, who it is vouched for as, and the sanctions of that; the seller's licences; those of its class; and for
/// one that holds by its own terms, the ends of those that it stands on, then who is in the class, and when its voucher
/// rested.
pub fn evaluate(
    read: &dyn Fn(&[u8]) -> Result<Told, Fault>,
    asked: &SaleQuestion,
) -> Result<Option<SaleAnswer>, Fault> {
    let Told::Value(found) = read(&keys::right(&asked.subject))? else {
        return Ok(None);
    };
    let (record, is_disposed): (Right, bool) = match found {
        Some(bytes) => (decode_stored(&keys::right(&asked.subject), &bytes)?, true),
        None => {
            let key = keys::design(&asked.subject);
            match read(&key)? {
                Told::Withheld => return Ok(None),
                Told::Value(None) => return Ok(Some(SaleAnswer::No(Denial::NoDesign))),
                Told::Value(Some(bytes)) => {
                    let design: Design = decode_stored(&key, &bytes)?;
                    (right::of_depositor(&design), false)
                }
            }
        }
    };
    if let Some(settled) = by_the_right(&record, asked) {
        return Ok(Some(settled));
    }
    let mut considered = Considered::default();
    if record.sanctioned != 0
        && let Some(bar) = considered.sanctioned(read, asked)?
    {
        return Ok(Some(SaleAnswer::No(bar)));
    }
    // Who may be barred has no yes, whatever its licences say.
    if is_disposed && !considered.is_withheld && considered.untold_ms.is_none() {
        let class = licence::class_of(&asked.seller);
        for licensee in std::iter::once(asked.seller.clone()).chain(class) {
            if let Some(licence) = considered.licence_of(read, asked, &licensee)? {
                return Ok(Some(SaleAnswer::Licensed(HeldLicence {
                    licence,
                    licensee,
                })));
            }
        }
    }
    Ok(match considered {
        Considered {
            is_withheld: true, ..
        } => None,
        Considered {
            untold_ms: Some(from_ms),
            ..
        } => Some(SaleAnswer::Untold { from_ms }),
        Considered { short, .. } => Some(SaleAnswer::No(Denial::NoLicence(short))),
    })
}

/// What the right's own record settles.
fn by_the_right(record: &Right, asked: &SaleQuestion) -> Option<SaleAnswer> {
    let ended = right::ends_ms(record);
    if let Some(ended_ms) = ended.filter(|ended| *ended <= asked.at_ms) {
        return Some(SaleAnswer::No(Denial::RightEnded(ended_ms)));
    }
    match right::owner_at(record, asked.at_ms) {
        Some(owner) if owner == asked.seller => Some(SaleAnswer::Owner),
        Some(_) => None,
        None if record.earlier_owners > 0 => {
            let first = record.owners.first();
            let from_ms = first.map_or(0, |o| o.since_ms);
            Some(SaleAnswer::Untold { from_ms })
        }
        None => Some(SaleAnswer::No(Denial::NotYet)),
    }
}

/// Licences that don't hold, so far.
#[derive(Default)]
struct Considered {
    short: Vec<(Authorisation, Shortfall)>,
    /// The earliest time from which on all that was read tells, where the question is about one before it.
    untold_ms: Option<u64>,
    /// Something was withheld that a no would take.
    is_withheld: bool,
}

impl Considered {
    /// The sanction that bars the seller: its own, or one against all that are vouched for with its register's number.
    fn sanctioned(
        &mut self,
        read: &dyn Fn(&[u8]) -> Result<Told, Fault>,
        asked: &SaleQuestion,
    ) -> Result<Option<Denial>, Fault> {
        let own = self.bar(read, asked, &keys::party_sanctions(&asked.seller))?;
        if own.is_some() || voucher_of(&asked.seller).is_none() {
            return Ok(own);
        }
        let key = keys::vouched_designer(&asked.seller);
        let vouched: VouchedDesigner = match read(&key)? {
            Told::Value(Some(bytes)) => decode_stored(&key, &bytes)?,
            Told::Value(None) => return Ok(None),
            Told::Withheld => {
                self.is_withheld = true;
                return Ok(None);
            }
        };
        match vouched.registered_as.as_str() {
            "" => Ok(None),
            number => self.bar(read, asked, &keys::registered_sanctions(number)),
        }
    }

    /// The sanction of a list that bars the seller.
    fn bar(
        &mut self,
        read: &dyn Fn(&[u8]) -> Result<Told, Fault>,
        asked: &SaleQuestion,
        key: &[u8],
    ) -> Result<Option<Denial>, Fault> {
        let list: PartySanctions = match read(key)? {
            Told::Value(Some(bytes)) => decode_stored(key, &bytes)?,
            Told::Value(None) => return Ok(None),
            Told::Withheld => {
                self.is_withheld = true;
                return Ok(None);
            }
        };
        let mut held = list.held.iter();
        let bar = held.find(|held| {
            held.kind() == SanctionKind::NoSales
                && sanction::holds_at(held, asked.at_ms)
                && held
                    .subjects
                    .iter()
                    .any(|subject| *subject == asked.subject)
        });
        if let Some(bar) = bar {
            let sanction = encoding::exact("sanction", &bar.sanction)
                .map_err(|e| Fault::Damaged(format!("a sanction's id: {e}")))?;
            let until_ms = bar.until_ms;
            return Ok(Some(Denial::Sanctioned { sanction, until_ms }));
        }
        if asked.at_ms < list.told_from_ms {
            self.untold(list.told_from_ms);
        }
        Ok(None)
    }

    /// The licence of this licensee that holds.
    fn licence_of(
        &mut self,
        read: &dyn Fn(&[u8]) -> Result<Told, Fault>,
        asked: &SaleQuestion,
        licensee: &str,
    ) -> Result<Option<Authorisation>, Fault> {
        let key = keys::authorisations(&asked.subject, licensee);
        let list: Authorisations = match read(&key)? {
            Told::Value(Some(bytes)) => decode_stored(&key, &bytes)?,
            Told::Value(None) => return Ok(None),
            Told::Withheld => {
                self.is_withheld = true;
                return Ok(None);
            }
        };
        if asked.at_ms < list.told_from_ms {
            self.untold(list.told_from_ms);
        }
        for known in list.licences {
            let own = own_shortfall(&known, asked);
            let above = match own {
                Some(why) => Standing::Short(why),
                None => above(read, asked, &known)?,
            };
            let standing = match above {
                Standing::Holds if licence::voucher_of_class(licensee).is_some() => {
                    self.class(read, asked)?
                }
                other => other,
            };
            match standing {
                Standing::Holds => return Ok(Some(known)),
                Standing::Short(why) => self.short.push((known, why)),
                Standing::Withheld => self.is_withheld = true,
            }
        }
        Ok(None)
    }

    /// Whether the seller was in its class: the span of its vouchings tells.
    fn class(
        &mut self,
        read: &dyn Fn(&[u8]) -> Result<Told, Fault>,
        asked: &SaleQuestion,
    ) -> Result<Standing, Fault> {
        let key = keys::vouched_designer(&asked.seller);
        let vouched: VouchedDesigner = match read(&key)? {
            Told::Value(Some(bytes)) => decode_stored(&key, &bytes)?,
            Told::Value(None) => return Ok(Standing::Short(Shortfall::Class)),
            Told::Withheld => return Ok(Standing::Withheld),
        };
        if asked.at_ms < vouched.from_ms {
            self.untold(vouched.from_ms);
        }
        let was_in = (vouched.from_ms..=vouched.until_ms).contains(&asked.at_ms);
        match was_in {
            true => self.rests(read, asked),
            false => Ok(Standing::Short(Shortfall::Class)),
        }
    }

    /// Whether the class was empty, as its voucher might not vouch: its record tells since when, and up to when.
    fn rests(
        &mut self,
        read: &dyn Fn(&[u8]) -> Result<Told, Fault>,
        asked: &SaleQuestion,
    ) -> Result<Standing, Fault> {
        let id = voucher_of(&asked.seller).unwrap_or(&asked.seller);
        let key = keys::voucher(id);
        let record: Voucher = match read(&key)? {
            Told::Value(Some(bytes)) => decode_stored(&key, &bytes)?,
            Told::Value(None) => return Ok(Standing::Holds),
            Told::Withheld => return Ok(Standing::Withheld),
        };
        let is_untold = asked.at_ms < record.told_from_ms;
        if is_untold {
            self.untold(record.told_from_ms);
        }
        Ok(
            match is_untold || voucher::rested_at(&record, asked.at_ms) {
                true => Standing::Short(Shortfall::ClassRests),
                false => Standing::Holds,
            },
        )
    }

    fn untold(&mut self, from_ms: u64) {
        let later = self.untold_ms.map_or(from_ms, |known| known.max(from_ms));
        self.untold_ms = Some(later);
    }
}

/// Whether a licence stands, as far as it is told.
enum Standing {
    Holds,
    Short(Shortfall),
    Withheld,
}

/// Walks from a licence to the root: one that had ended settles it, whatever is withheld of the others.
fn above(
    read: &dyn Fn(&[u8]) -> Result<Told, Fault>,
    asked: &SaleQuestion,
    known: &Authorisation,
) -> Result<Standing, Fault> {
    let mut standing = Standing::Holds;
    for id in &known.above {
        let id: Hash = encoding::exact("licence", id)
            .map_err(|e| Fault::Damaged(format!("a licence's id: {e}")))?;
        let key = keys::licence_end(&id);
        match read(&key)? {
            Told::Withheld => standing = Standing::Withheld,
            Told::Value(None) => {}
            Told::Value(Some(bytes)) => {
                let end: LicenceEnd = decode_stored(&key, &bytes)?;
                if end.time_ms <= asked.at_ms {
                    return Ok(Standing::Short(Shortfall::EndedAbove(end.time_ms)));
                }
            }
        }
    }
    Ok(standing)
}

/// What a licence's own record says against it.
fn own_shortfall(known: &Authorisation, asked: &SaleQuestion) -> Option<Shortfall> {
    let at_ms = asked.at_ms;
    let ended = (1..=at_ms).contains(&known.ended_ms);
    [
        (!known.acts.contains(&asked.act.into()), Shortfall::Act),
        (
            !licence::covers(&known.territories, &asked.territory),
            Shortfall::Territory,
        ),
        (at_ms < known.from_ms, Shortfall::NotYet),
        (ended, Shortfall::Ended(known.ended_ms)),
        (known.until_ms < at_ms, Shortfall::Over),
    ]
    .into_iter()
    .find_map(|(is_so, why)| is_so.then_some(why))
}

#[cfg(test)]
mod tests;
