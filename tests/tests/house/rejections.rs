//! `docs/rejections.md` lists every reason for which a transaction is refused, as the sources have
//! them. `TOUCHSTONE_APPROVE=1` writes it anew: clients rely on these codes, so a difference is
//! approved by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::files::{files, root};

/// A variant of an error enum, as its source has it.
#[derive(Debug, PartialEq, Eq)]
struct Variant {
    name: String,
    /// The comment above its group, such as `2xx: who may act`.
    group: String,
    explanation: String,
    /// The message; what is filled in stands as an ellipsis.
    message: String,
}

/// Reads the variants of an enum. Relies on the shape that rustfmt gives it.
fn variants(source: &str, name: &str) -> Vec<Variant> {
    let (_, body) = source
        .split_once(&format!("pub enum {name} {{\n"))
        .unwrap_or_else(|| panic!("no enum {name}"));
    let (body, _) = body.split_once("\n}\n").expect("the enum ends");
    let mut variants = Vec::new();
    let mut group = String::new();
    let mut explanation = Vec::new();
    let mut message = String::new();
    let mut lines = body.lines();
    while let Some(line) = lines.next() {
        let Some(line) = line
            .strip_prefix("    ")
            .filter(|line| !line.starts_with(' '))
        else {
            continue;
        };
        if let Some(text) = line.strip_prefix("/// ") {
            explanation.push(text);
        } else if let Some(text) = line.strip_prefix("// ") {
            group = text.into();
        } else if line.starts_with("#[error(") {
            let mut attribute = line.to_string();
            while !attribute.ends_with(")]") {
                attribute.push('\n');
                attribute.push_str(lines.next().expect("the attribute ends"));
            }
            message = text_of(&attribute);
        } else if line.starts_with(|c: char| c.is_ascii_uppercase()) {
            let end = line
                .find(|c: char| !c.is_alphanumeric())
                .unwrap_or(line.len());
            variants.push(Variant {
                name: line[..end].into(),
                group: group.clone(),
                explanation: std::mem::take(&mut explanation).join(" "),
                message: std::mem::take(&mut message),
            });
        }
    }
    variants
}

/// The first string of an attribute, with `…` where something is filled in, and the name of a
/// constant in braces.
fn text_of(attribute: &str) -> String {
    let mut chars = attribute
        .chars()
        .skip_while(|&c| c != '"')
        .skip(1)
        .peekable();
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('\n') => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                Some(escaped) => text.push(escaped),
                None => break,
            },
            '{' => {
                let name: String = chars.by_ref().take_while(|&inner| inner != '}').collect();
                match argument(attribute, &name) {
                    Some(constant) => write!(text, "{{{constant}}}").expect("a string takes text"),
                    None => text.push('…'),
                }
            }
            other => text.push(other),
        }
    }
    text
}

/// The constant that an attribute gives for a name: `limit = MAX_BYTES`.
fn argument<'a>(attribute: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = attribute.split_once(&format!(" {name} = "))?;
    let end = rest.find(|c: char| !(c.is_ascii_uppercase() || c == '_'));
    let constant = &rest[..end.unwrap_or(rest.len())];
    (!name.is_empty() && !constant.is_empty()).then_some(constant)
}

/// A text with the values of the ledger's constants that it names in braces.
fn filled_in(text: &str) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, (name, after))) = rest
        .split_once('{')
        .and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
    {
        filled.push_str(before);
        filled.push_str(&constant(name));
        rest = after;
    }
    filled + rest
}

/// The value of a constant number of the ledger, or of the pictures that it knows, as its source has it.
fn constant(name: &str) -> String {
    let declared = format!("const {name}: ");
    let mut sources = files(&[".rs"]);
    sources.retain(|file| {
        ["chain-core/src/", "pictures/src/"]
            .iter()
            .any(|room| file.path.starts_with(room))
    });
    let mut lines = sources.iter().flat_map(|file| file.text.lines());
    let line = lines.find(|line| line.contains(&declared));
    let value = line.and_then(|line| line.split_once(" = ")?.1.strip_suffix(';'));
    let value = value.unwrap_or_else(|| panic!("no constant {name} in the ledger"));
    let digits: String = value.chars().filter(|c| *c != '_').collect();
    assert!(
        digits.bytes().all(|b| b.is_ascii_digit()),
        "{name} is no plain number: {value}"
    );
    digits
}

/// What each variant maps to in a `match` of the function: the text behind its arrow.
fn arms(source: &str, function: &str, name: &str) -> BTreeMap<String, String> {
    let (_, body) = source
        .split_once(&format!("fn {function}("))
        .unwrap_or_else(|| panic!("no function {function}"));
    let (body, _) = body.split_once("\n    }\n").expect("the function ends");
    // An arm may be broken over two lines: `Variant { .. } =>` and its value.
    let body = body.replace("=>\n", "=> ").replace("=> {\n", "=> ");
    let mut arms = BTreeMap::new();
    for line in body.lines() {
        let Some((patterns, value)) = line.split_once(" => ") else {
            continue;
        };
        for pattern in patterns.split('|') {
            let pattern = pattern.trim();
            let variant = pattern
                .strip_prefix(&format!("{name}::"))
                .or_else(|| pattern.strip_prefix("Self::"));
            let Some(variant) = variant else { continue };
            let end = variant
                .find(|c: char| !c.is_alphanumeric())
                .unwrap_or(variant.len());
            let value = value.trim().trim_end_matches(',').trim_matches('"');
            arms.insert(variant[..end].into(), value.into());
        }
    }
    arms
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// The rules of all rooms, each with its enum, in the order of their codes.
struct Rulebook {
    variants: Vec<Variant>,
    codes: BTreeMap<String, String>,
    rules: BTreeMap<String, String>,
}

impl Rulebook {
    fn read(sources: &[(&str, String)]) -> Rulebook {
        let mut book = Rulebook {
            variants: Vec::new(),
            codes: BTreeMap::new(),
            rules: BTreeMap::new(),
        };
        for (name, source) in sources {
            // A variant that passes on to a domain's enum is no rule.
            let own = |value: &String| !value.starts_with("rejection.");
            let mut codes = arms(source, "code", name);
            codes.retain(|_, value| own(value));
            let mut variants = variants(source, name);
            variants.retain(|variant| codes.contains_key(&variant.name));
            let mut rules = arms(source, "rule", name);
            rules.retain(|_, value| own(value));
            book.variants.extend(variants);
            for (known, more) in [(&mut book.codes, codes), (&mut book.rules, rules)] {
                for (variant, value) in more {
                    let before = known.insert(variant.clone(), value);
                    assert_eq!(before, None, "{variant} stands in two enums");
                }
            }
        }
        book
    }
}

fn document(book: &Rulebook, epcis: &str) -> String {
    let Rulebook {
        variants: rejections,
        codes,
        rules: names,
    } = book;
    let mut text = String::from(
        "# Why a transaction is refused\n\n\
         A refused transaction is answered with a code and the name of the rule that it breaks.\n\
         Both are stable: a code is never used for another rule, so clients may match on them. In\n\
         the messages, `…` stands for what belongs to the case.\n\n\
         A rejection says what holds on the state that the node has reached. It is not final: the\n\
         same bytes, submitted again or known to another node, are committed if the state comes to\n\
         allow them, such as after a transaction that they depend on. What breaks a rule only\n\
         together with pending transactions is rejected once those are committed. Code 107 alone is\n\
         final: once a block is later than a transaction's lifetime, no block takes it any more\n\
         (`docs/adr/0022-transactions-expire.md`).\n",
    );
    let mut group = String::new();
    for variant in rejections {
        if variant.group != group {
            group.clone_from(&variant.group);
            write!(
                text,
                "\n## {group}\n\n| code | rule | explanation | message |\n|---|---|---|---|\n"
            )
            .expect("a string takes text");
        }
        let code = codes.get(&variant.name).expect("every variant has a code");
        let rule = match names.get(&variant.name).expect("every variant has a rule") {
            rule if rule.contains('.') => "(one of the event's, below)".into(),
            rule => format!("`{rule}`"),
        };
        let explanation = cell(&variant.explanation);
        let message = cell(&filled_in(&variant.message));
        writeln!(text, "| {code} | {rule} | {explanation} | {message} |")
            .expect("a string takes text");
    }
    text.push_str(
        "\n## Rules of an event\n\nWhat code 301 names: the rule, and in the message the path to \
         the field.\n\n| rule | explanation | message |\n|---|---|---|\n",
    );
    let names = arms(epcis, "code", "EpcisRule");
    for variant in variants(epcis, "EpcisRule") {
        let rule = names
            .get(&variant.name)
            .expect("every rule of an event has a name");
        let explanation = cell(&variant.explanation);
        writeln!(
            text,
            "| `{rule}` | {explanation} | {} |",
            cell(&variant.message)
        )
        .expect("a string takes text");
    }
    text
}

/// The enums of rejections, in the order of their codes, and the rules of an event.
fn sources() -> (Vec<(&'static str, String)>, String) {
    let read = |path: &str| {
        std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let enums = [
        ("Rejection", "rejection.rs"),
        ("CustodyRejection", "custody/rejection.rs"),
        ("DesignRejection", "designs/rejection.rs"),
        ("ReviewRejection", "designs/review/rejection.rs"),
        ("CaseRejection", "designs/case_rejection.rs"),
        ("GovernanceRejection", "governance/rejection.rs"),
        ("MasterDataRejection", "master_data/rejection.rs"),
        ("FeatureRejection", "designs/publish_features/rejection.rs"),
        ("RouteRejection", "designs/route_rejection.rs"),
    ];
    let enums = enums.map(|(name, path)| (name, read(&format!("chain-core/src/{path}"))));
    (enums.into(), read("epcis/src/error.rs"))
}

#[test]
fn every_rejection_is_documented() {
    let (rejections, epcis) = sources();
    let expected = document(&Rulebook::read(&rejections), &epcis);
    let path = root().join("docs/rejections.md");
    if std::env::var_os("TOUCHSTONE_APPROVE").is_some() {
        std::fs::write(&path, &expected).expect("docs/rejections.md can be written");
    }
    let documented = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        documented == expected,
        "docs/rejections.md is out of step with the sources; after reading the difference, \
         write it with TOUCHSTONE_APPROVE=1 cargo test --workspace --test house rejections"
    );
}

#[test]
fn codes_and_rules_are_unique() {
    let (rejections, epcis) = sources();
    let book = Rulebook::read(&rejections);
    let events = Rulebook {
        variants: variants(&epcis, "EpcisRule"),
        codes: arms(&epcis, "code", "EpcisRule"),
        rules: arms(&epcis, "code", "EpcisRule"),
    };
    for Rulebook {
        variants,
        codes,
        rules,
    } in [&book, &events]
    {
        let named: BTreeSet<&str> = variants.iter().map(|v| v.name.as_str()).collect();
        assert!(variants.len() > 10, "the enum is read whole");
        for values in [codes, rules] {
            assert!(
                named.iter().eq(values.keys()),
                "one value for each variant: {values:?}"
            );
            let distinct: BTreeSet<&String> = values.values().collect();
            assert_eq!(distinct.len(), values.len(), "a value twice: {values:?}");
        }
        assert!(
            variants.iter().all(|v| !v.explanation.is_empty()),
            "each is explained"
        );
    }
    for variant in &book.variants {
        let code = &book.codes[&variant.name];
        assert_eq!(code.len(), 3, "{}: a code has three digits", variant.name);
        assert!(
            variant.group.starts_with(&code[..1]),
            "{} is no {}",
            code,
            variant.group
        );
    }
}

#[test]
fn a_source_is_read_as_it_stands() {
    let source = "pub enum Bad {\n    // 1xx: first\n    /// One,\n    /// told.\n    \
                  #[error(\"a {b} \\\n         c\")]\n    One {\n        /// B.\n        b: u8,\n    },\n    \
                  /// Two.\n    #[error(\"\\\"{0}\\\" {most}\", most = MAX_FILES)]\n    Two(String),\n}\n\
                  fn code(&self) -> u32 {\n        Bad::One { .. } => 100,\n        \
                  Bad::Two(_) =>\n 101,\n    }\n";
    let variant = |name: &str, explanation: &str, message: &str| Variant {
        name: name.into(),
        group: "1xx: first".into(),
        explanation: explanation.into(),
        message: message.into(),
    };
    assert_eq!(
        variants(source, "Bad"),
        [
            variant("One", "One, told.", "a … c"),
            variant("Two", "Two.", "\"…\" {MAX_FILES}")
        ]
    );
    assert_eq!(filled_in("1 to {MAX_FILES} files"), "1 to 1000 files");
    let arms = arms(source, "code", "Bad");
    assert_eq!(
        arms,
        BTreeMap::from([("One", "100"), ("Two", "101")].map(|(a, b)| (a.into(), b.into())))
    );
}
