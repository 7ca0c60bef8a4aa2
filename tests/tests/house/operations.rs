//! The table of GS1's operations in docs/http.md says what node and gateway describe of themselves. That it has all of
//! GS1's, which aren't kept here, was compared with their description of EPCIS 2.0.

use std::collections::BTreeSet;

use super::files::root;

type Operation = (String, String);

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A path without the names of its parameters, which are each description's own.
fn shape(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        true => "{}",
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// What a description describes.
fn described(path: &str) -> BTreeSet<Operation> {
    let description: serde_json::Value = serde_json::from_str(&text(path)).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().keys();
        methods.map(|method| (method.to_uppercase(), shape(path)))
    });
    operations.collect()
}

/// The operations of a row's first cell: a path without a method has that of the one before; a method alone has the
/// path of the next.
fn operations(cell: &str) -> Vec<Operation> {
    let mut operations = Vec::new();
    let mut methods: Vec<&str> = Vec::new();
    let mut is_told = true;
    for quoted in cell.split('`').skip(1).step_by(2) {
        let mut words = quoted.split(' ').peekable();
        let method = words.next_if(|word| !word.starts_with('/'));
        if let Some(method) = method {
            if is_told {
                methods.clear();
            }
            methods.push(method);
        }
        is_told = words.peek().is_some();
        operations.extend(words.flat_map(|path| {
            let methods = methods.iter();
            methods
                .map(|method| ((*method).to_owned(), shape(path)))
                .collect::<Vec<_>>()
        }));
    }
    operations
}

#[test]
fn the_table_of_operations_is_what_node_and_gateway_describe() {
    let document = text("docs/http.md");
    let (_, table) = document
        .split_once("| operation | node | gateway |")
        .unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let node = described("node/src/http/openapi.json");
    let gateway = described("cli/src/gateway/openapi.json");
    let mut all = Vec::new();
    for row in table.lines().filter(|row| row.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        for operation in operations(cells[1]) {
            assert_eq!(
                cells[2] != "no",
                node.contains(&operation),
                "node: {operation:?}"
            );
            assert_eq!(
                cells[3] != "no",
                gateway.contains(&operation),
                "gateway: {operation:?}"
            );
            all.push(operation);
        }
    }
    assert_eq!(all.len(), 35, "{all:?}");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 35);
}
