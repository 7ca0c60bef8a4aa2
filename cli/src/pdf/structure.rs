//! What a document says in the order of reading, for programs that read it aloud or take it apart: the
//! tags of PDF/A-2a (ISO 32000-1, 14.8).

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use krilla::tagging::{Identifier, ListNumbering, Tag, TagGroup, TagTree};

use super::layout::Part;
use super::{PageBlock, PdfDocument};

/// What was painted of each part.
#[derive(Default)]
pub(super) struct Structure {
    painted: BTreeMap<Part, Vec<Identifier>>,
}

impl Structure {
    /// Adds something that was painted.
    pub(super) fn add(&mut self, part: Part, id: Identifier) {
        self.painted.entry(part).or_default().push(id);
    }

    /// The whole document.
    pub(super) fn tree(mut self, document: &PdfDocument) -> TagTree {
        let mut tree = TagTree::new();
        for number in 0..document.title.len() {
            tree.push(self.heading(Part::Title(number), NonZeroU16::MIN));
        }
        if let Some(text) = &document.code {
            let alternative = format!("QR code: {text}");
            let figure = TagGroup::new(Tag::Figure(Some(alternative)));
            tree.push(self.filled(figure, Part::Code));
        }
        let below = NonZeroU16::MIN.saturating_add(1);
        let mut fields: Option<TagGroup> = None;
        for (number, block) in document.blocks.iter().enumerate() {
            let group = match block {
                PageBlock::Field(..) => {
                    let list = || TagGroup::new(Tag::L(ListNumbering::None));
                    let field = self.field(number);
                    fields.get_or_insert_with(list).push(field);
                    continue;
                }
                PageBlock::Heading(_) => self.heading(Part::Heading(number), below),
                PageBlock::Paragraph(_) | PageBlock::Notice(_) => {
                    self.filled(TagGroup::new(Tag::P), Part::Paragraph(number))
                }
            };
            if let Some(fields) = fields.take() {
                tree.push(fields);
            }
            tree.push(group);
        }
        if let Some(fields) = fields {
            tree.push(fields);
        }
        tree
    }

    fn heading(&mut self, part: Part, level: NonZeroU16) -> TagGroup {
        self.filled(TagGroup::new(Tag::Hn(level, None)), part)
    }

    /// A field is an item of a list: its name the label, its values the body.
    fn field(&mut self, number: usize) -> TagGroup {
        let mut item = TagGroup::new(Tag::LI);
        item.push(self.filled(TagGroup::new(Tag::Lbl), Part::Name(number)));
        item.push(self.filled(TagGroup::new(Tag::LBody), Part::Values(number)));
        item
    }

    fn filled(&mut self, mut group: TagGroup, part: Part) -> TagGroup {
        for id in self.painted.remove(&part).unwrap_or_default() {
            group.push(id);
        }
        group
    }
}
