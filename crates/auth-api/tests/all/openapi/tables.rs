//! The tables of README.md and docs/ADMIN.md, row by row against the document.

use super::document::{Document, Operation};
use serde_json::Value;
use std::collections::BTreeSet;

const README: &str = include_str!("../../../../../README.md");
const ADMIN: &str = include_str!("../../../../../docs/ADMIN.md");

/// What any request may be answered that is wrong in the same way, or by chance: the tables leave it out.
const GENERAL: [&str; 15] = [
    "",
    "bad-request",
    "malformed-body",
    "malformed-query",
    "missing-token",
    "invalid-token",
    "insufficient-scope",
    "login-token-required",
    "not-found",
    "request-timeout",
    "body-too-large",
    "unsupported-media-type",
    "validation",
    "internal",
    "unavailable",
];

/// One line of a table: `method /path`, and the cells.
struct Row {
    operation: String,
    cells: Vec<&'static str>,
}

/// The lines that begin with methods and paths.
fn rows(text: &'static str) -> Vec<Row> {
    let lines = text.lines().filter(|line| line.starts_with("| `"));
    let rows = lines.filter_map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let first = cells[0];
        first.contains(" /").then_some((first, cells))
    });
    rows.flat_map(|(first, cells)| {
        let operations = first
            .split(", ")
            .map(|one| one.trim_matches('`').trim().to_owned());
        operations.map(move |operation| Row {
            operation,
            cells: cells.clone(),
        })
    })
    .collect()
}

/// What stands between backquotes.
fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn set<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    texts.into_iter().map(Into::into).collect()
}

/// The fields of a body and of a query, as `username`, `email?` or `?limit=&after=` name them.
fn inputs(cell: &str) -> BTreeSet<String> {
    set(code(cell).flat_map(|text| {
        let names = text.split(['?', '&']).map(|part| part.split([':', '=']).next());
        names.flatten().filter(|name| !name.is_empty())
    }))
}

fn described_inputs(document: &Document, operation: &Operation<'_>) -> BTreeSet<String> {
    let media = operation.described["requestBody"]["content"].as_object();
    let schemas = media.into_iter().flat_map(|media| media.values());
    let fields = schemas.flat_map(|media| {
        let schema = document.resolve(&media["schema"]);
        schema["properties"].as_object().unwrap().keys().cloned()
    });
    let parameters = operation.described["parameters"].as_array();
    let parameters = parameters.into_iter().flatten().map(|one| document.resolve(one));
    let parameters = parameters.filter(|one| one["in"] == "query");
    fields
        .chain(parameters.map(|one| one["name"].as_str().unwrap().to_owned()))
        .collect()
}

/// The numbers that are followed by a problem's name, together with it.
fn problems(cell: &str) -> BTreeSet<String> {
    let mut status = "";
    let mut problems = BTreeSet::new();
    let mut parts = cell.split('`');
    while let (Some(text), Some(name)) = (parts.next(), parts.next()) {
        status = text
            .split(|c: char| !c.is_ascii_digit())
            .rfind(|word| word.len() == 3)
            .unwrap_or(status);
        if name.contains('-') && !name.contains(char::is_uppercase) && status.starts_with('4') {
            problems.insert(format!("{status} {name}"));
        }
    }
    problems
}

fn needs(document: &Document, operation: &Operation<'_>) -> String {
    let Some(needed) = operation.described["security"].get(0) else {
        return String::new();
    };
    let scope = needed["token"].get(0).and_then(Value::as_str);
    match scope {
        Some(scope) => format!("`{scope}`"),
        None if operation.tells(document, "403", "login-token-required") => "login".to_owned(),
        None => "token".to_owned(),
    }
}

fn check(document: &Document, row: &Row, operation: &Operation<'_>, input: &str) {
    let what = &row.operation;
    assert_eq!(inputs(input), described_inputs(document, operation), "{what}");
    let answers = row.cells.last().unwrap();
    let outcomes = document.outcomes();
    let mine = outcomes
        .iter()
        .filter(|one| one.0 == operation.method && one.1 == operation.path);
    let particular = mine
        .clone()
        .filter(|one| !GENERAL.contains(&one.3.as_str()))
        .map(|one| format!("{} {}", one.2, one.3));
    assert_eq!(problems(answers), set(particular), "{what}");
    let success = mine.filter(|one| one.3.is_empty()).map(|one| one.2.to_string());
    let told = answers
        .split(|c: char| !c.is_ascii_digit())
        .find(|word| word.len() == 3);
    // A row need not say that all is well, where what comes then says more.
    assert!(
        told.is_none_or(|told| told.starts_with('4') || set(success).contains(told)),
        "{what}"
    );
}

#[test]
fn the_tables_in_the_documentation_say_what_the_document_says() {
    let document = Document::read();
    let (readme, admin) = (rows(README), rows(ADMIN));
    let mut left: BTreeSet<_> = set(document
        .operations()
        .iter()
        .map(|one| format!("{} {}", one.method, one.path)));
    // In a sentence of their own.
    for (text, operation) in [
        ("`GET /openapi.json`", "GET /openapi.json"),
        ("`GET /docs`", "GET /docs"),
    ] {
        assert!(README.contains(text));
        left.remove(operation);
    }
    for (row, in_readme) in readme
        .iter()
        .map(|row| (row, true))
        .chain(admin.iter().map(|row| (row, false)))
    {
        assert!(
            left.remove(&row.operation),
            "not there, or twice: {}",
            row.operation
        );
        let operations = document.operations();
        let operation = operations
            .iter()
            .find(|one| row.operation == format!("{} {}", one.method, one.path))
            .unwrap();
        if in_readme {
            assert_eq!(row.cells[1], needs(&document, operation), "{}", row.operation);
            check(&document, row, operation, row.cells[2]);
        } else {
            assert_eq!(needs(&document, operation), "`admin`", "{}", row.operation);
            check(&document, row, operation, row.cells[1]);
        }
    }
    assert!(left.is_empty(), "in no table: {left:?}");
}
