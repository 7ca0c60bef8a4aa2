//! Kinds of forgery.

/// A kind of forgery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Parts changed, moved, or taken from another file.
    Graft,
    /// One field changed, each as often as any other.
    Field,
    /// Events or containment intervals left out, added or moved, and counted anew.
    Link,
    /// Paths spliced, cut, or with nodes in the place of leaves.
    Path,
    /// Values claimed to be absent, or present in the place of others.
    Absence,
    /// Holders, offers, answers and claims changed, exchanged or left out.
    Custody,
    /// Panels, votes of jurors, outcomes and licences changed, exchanged or left out.
    Disputed,
    /// Checks, hand-overs and sanctions changed, exchanged or left out.
    Sanctioned,
    /// Too few votes, doubled ones, those of strangers or of other blocks.
    Votes,
    /// Headers of the forger's own making.
    Header,
    /// Changes of the validator set removed, doubled, moved or invented.
    SetChange,
    /// A whole history of the forger's own making, from the true genesis.
    Rewritten,
    /// A whole chain of the forger's own making.
    OtherChain,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 13] = [
        Family::Graft,
        Family::Field,
        Family::Link,
        Family::Path,
        Family::Absence,
        Family::Custody,
        Family::Disputed,
        Family::Sanctioned,
        Family::Votes,
        Family::Header,
        Family::SetChange,
        Family::Rewritten,
        Family::OtherChain,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Family::Graft => "parts changed or from other files",
            Family::Field => "fields of records, each as often as any",
            Family::Link => "events or intervals dropped, added, moved",
            Family::Path => "paths spliced, nodes for leaves",
            Family::Absence => "presence and absence exchanged",
            Family::Custody => "holders, offers, claims changed or left out",
            Family::Disputed => "panels, verdicts, licences changed or left out",
            Family::Sanctioned => "checks, hand-overs, sanctions changed or left out",
            Family::Votes => "votes: too few, doubled, strangers'",
            Family::Header => "headers invented",
            Family::SetChange => "changes of the validator set removed or invented",
            Family::Rewritten => "history rewritten from genesis",
            Family::OtherChain => "another chain",
        }
    }
}
