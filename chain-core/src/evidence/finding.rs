//! What an element of the examination says: sentences as data, so that a reader gets them in its own
//! language.
//!
//! Consensus-critical: no

use std::fmt;

/// A sentence: its English template, and the values for the names in braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    template: &'static str,
    values: Vec<(&'static str, String)>,
}

impl Finding {
    /// The sentence of a template, with the values that it names. See [`finding!`](crate::finding).
    pub fn new(template: &'static str, values: Vec<(&'static str, String)>) -> Finding {
        Finding { template, values }
    }

    /// The English template: the sentence's name in tables of messages.
    pub fn template(&self) -> &'static str {
        self.template
    }

    /// The values by name.
    pub fn values(&self) -> &[(&'static str, String)] {
        &self.values
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&filled(self.template, &self.values))
    }
}

/// A template with its values in the place of the names in braces. A name without value stays as it is,
/// and a value is never read as a template.
pub fn filled(template: &str, values: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        text.push_str(before);
        let named = behind.split_once('}');
        let value = named.and_then(|(name, _)| values.iter().find(|(n, _)| *n == name));
        match (named, value) {
            (Some((_, behind)), Some((_, value))) => {
                text.push_str(value);
                rest = behind;
            }
            _ => {
                text.push('{');
                rest = behind;
            }
        }
    }
    text.push_str(rest);
    text
}

/// A [`Finding`](crate::evidence::Finding): the English sentence, then the values that it names.
#[macro_export]
macro_rules! finding {
    ($template:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::evidence::Finding::new(
            $template,
            vec![$((stringify!($name), $value.to_string())),*],
        )
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn values_are_filled_in_once_and_never_read_as_templates() {
        let braces = finding!("{a} and {b}: {c} {", a = "{b}", b = 7);
        assert_eq!(braces.to_string(), "{b} and 7: {c} {");
        assert_eq!(braces.template(), "{a} and {b}: {c} {");
    }
}
