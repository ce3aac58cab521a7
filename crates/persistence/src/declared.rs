//! What the migrations declare, read from their own text: so whoever compares a database with it and they cannot disagree.

use std::sync::LazyLock;

const MIGRATIONS: [&str; 5] = [
    include_str!("../migrations/2026-11-28-120000_accounts/up.sql"),
    include_str!("../migrations/2026-11-28-120100_coherence/up.sql"),
    include_str!("../migrations/2026-11-28-120200_audit/up.sql"),
    include_str!("../migrations/2026-11-28-120250_delegation/up.sql"),
    include_str!("../migrations/2026-11-28-120300_roles/up.sql"),
];

#[derive(Debug, Default)]
pub(crate) struct Declared {
    pub(crate) tables: Vec<String>,
    /// Of each table, with its columns.
    pub(crate) columns: Vec<(String, String)>,
    pub(crate) constraints: Vec<String>,
    pub(crate) indexes: Vec<String>,
    pub(crate) functions: Vec<Function>,
    pub(crate) triggers: Vec<Trigger>,
    /// The functions that not everybody may execute.
    pub(crate) private: Vec<String>,
    pub(crate) grants: Vec<Grant>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) body: String,
    /// Whether it does its work as its owner.
    pub(crate) definer: bool,
    /// Whether it has a `search_path` of its own.
    pub(crate) pinned: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trigger {
    pub(crate) name: String,
    pub(crate) table: String,
    pub(crate) function: String,
    /// `pg_trigger.tgenabled`.
    pub(crate) state: char,
}

/// One right of one role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Grant {
    pub(crate) role: String,
    pub(crate) privilege: String,
    /// A table or a function.
    pub(crate) object: String,
    /// One column of the table; empty: all of it.
    pub(crate) column: String,
}

pub(crate) fn declared() -> &'static Declared {
    static DECLARED: LazyLock<Declared> = LazyLock::new(|| Declared::read(&MIGRATIONS));
    &DECLARED
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Mark(char),
    /// Between quotes.
    Text(&'a str),
    /// Between dollars.
    Body(&'a str),
}

impl<'a> Token<'a> {
    fn word(self) -> Option<&'a str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }

    fn is(self, keyword: &str) -> bool {
        self.word().is_some_and(|word| word.eq_ignore_ascii_case(keyword))
    }
}

/// As much of SQL's lexical structure as the migrations use.
fn tokens(mut rest: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let end_of = |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at);
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let used = if first.is_whitespace() {
            first.len_utf8()
        } else if rest.starts_with("--") {
            end_of("\n", 2)
        } else if rest.starts_with("$$") {
            let end = end_of("$$", 2);
            tokens.push(Token::Body(&rest[2..end]));
            (end + 2).min(rest.len())
        } else if first == '\'' {
            // A quote within is written twice: two texts, for whoever does not read them.
            let end = end_of("'", 1);
            tokens.push(Token::Text(&rest[1..end]));
            (end + 1).min(rest.len())
        } else if is_word(first) {
            let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(&rest[..end]));
            end
        } else {
            tokens.push(Token::Mark(first));
            first.len_utf8()
        };
        rest = &rest[used..];
    }
    tokens
}

/// The word after these, wherever that is.
fn after<'a>(tokens: &[Token<'a>], keywords: &[&str]) -> Option<&'a str> {
    let matches = |window: &&[Token<'_>]| window.iter().zip(keywords).all(|(token, word)| token.is(word));
    let at = tokens
        .windows(keywords.len())
        .position(|window| matches(&window))?;
    tokens.get(at + keywords.len())?.word()
}

/// All words that come after these.
fn all_after(tokens: &[Token<'_>], keywords: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for start in 0..tokens.len() {
        let rest = &tokens[start..];
        if rest.len() > keywords.len()
            && rest.iter().zip(keywords).all(|(token, word)| token.is(word))
            && let Some(word) = rest[keywords.len()].word()
        {
            found.push(word.to_owned());
        }
    }
    found
}

impl Declared {
    fn read(texts: &[&str]) -> Self {
        let mut declared = Self::default();
        for text in texts {
            for statement in tokens(text).split(|&token| token == Token::Mark(';')) {
                declared.take(statement);
            }
        }
        declared
    }

    fn take(&mut self, statement: &[Token<'_>]) {
        let own = |word: &str| word.to_owned();
        self.constraints.extend(all_after(statement, &["CONSTRAINT"]));
        match statement {
            [first, ..] if first.is("CREATE") => {
                self.take_table(statement);
                self.indexes
                    .extend(after(statement, &["CREATE", "INDEX"]).map(own));
                self.indexes
                    .extend(after(statement, &["CREATE", "UNIQUE", "INDEX"]).map(own));
                self.take_function(statement);
                self.take_trigger(statement);
            }
            [first, ..] if first.is("ALTER") => {
                for (how, state) in [("ALWAYS", 'A'), ("REPLICA", 'R')] {
                    for name in all_after(statement, &["ENABLE", how, "TRIGGER"]) {
                        for trigger in &mut self.triggers {
                            if trigger.name == name {
                                trigger.state = state;
                            }
                        }
                    }
                }
            }
            [first, ..] if first.is("REVOKE") => self.take_revoke(statement),
            [first, .., Token::Body(body)] if first.is("DO") => {
                for statement in tokens(body).split(|&token| token == Token::Mark(';')) {
                    self.take_grant(statement);
                }
            }
            _ => self.take_grant(statement),
        }
    }

    fn take_table(&mut self, statement: &[Token<'_>]) {
        if let Some(table) = after(statement, &["CREATE", "TABLE"]) {
            self.tables.push(table.to_owned());
            let columns = columns(statement)
                .into_iter()
                .map(|column| (table.to_owned(), column));
            self.columns.extend(columns);
            // As Postgres calls what has no name of its own.
            if statement.iter().any(|token| token.is("PRIMARY")) {
                self.constraints.push(format!("{table}_pkey"));
            }
        }
    }

    fn take_function(&mut self, statement: &[Token<'_>]) {
        let name = after(statement, &["CREATE", "FUNCTION"])
            .or_else(|| after(statement, &["CREATE", "OR", "REPLACE", "FUNCTION"]));
        let body = statement.iter().find_map(|token| match token {
            Token::Body(body) => Some((*body).to_owned()),
            _ => None,
        });
        if let (Some(name), Some(body)) = (name, body) {
            self.functions.retain(|function| function.name != name);
            self.functions.push(Function {
                name: name.to_owned(),
                body,
                definer: after(statement, &["SECURITY"])
                    .is_some_and(|how| how.eq_ignore_ascii_case("DEFINER")),
                pinned: after(statement, &["SET"])
                    .is_some_and(|what| what.eq_ignore_ascii_case("search_path")),
            });
        }
    }

    fn take_trigger(&mut self, statement: &[Token<'_>]) {
        let name = after(statement, &["CREATE", "TRIGGER"]);
        let (table, function) = (
            after(statement, &["ON"]),
            after(statement, &["EXECUTE", "FUNCTION"]),
        );
        if let (Some(name), Some(table), Some(function)) = (name, table, function) {
            self.triggers.push(Trigger {
                name: name.to_owned(),
                table: table.to_owned(),
                function: function.to_owned(),
                state: 'O',
            });
        }
    }

    /// `REVOKE EXECUTE ON FUNCTION a, b(text) FROM PUBLIC`
    fn take_revoke(&mut self, statement: &[Token<'_>]) {
        if let [_, execute, on, function, objects @ ..] = statement
            && execute.is("EXECUTE")
            && on.is("ON")
            && function.is("FUNCTION")
        {
            let end = objects.iter().position(|token| token.is("FROM"));
            self.private
                .extend(names(&objects[..end.unwrap_or(objects.len())]));
        }
    }

    /// `GRANT SELECT (a, b), DELETE ON t, u TO role`, which may come after an `IF … THEN`.
    fn take_grant(&mut self, statement: &[Token<'_>]) {
        let Some(start) = statement.iter().position(|token| token.is("GRANT")) else {
            return;
        };
        let statement = &statement[start + 1..];
        let (Some(on), Some(to)) = (
            statement.iter().position(|token| token.is("ON")),
            statement.iter().rposition(|token| token.is("TO")),
        ) else {
            return;
        };
        let mut objects = &statement[on + 1..to];
        if let [kind, rest @ ..] = objects
            && ["FUNCTION", "TABLE"].iter().any(|word| kind.is(word))
        {
            objects = rest;
        }
        for (privilege, columns) in privileges(&statement[..on]) {
            for object in names(objects) {
                for role in names(&statement[to + 1..]) {
                    for column in &columns {
                        self.grants.push(Grant {
                            role: role.clone(),
                            privilege: privilege.clone(),
                            object: object.clone(),
                            column: column.clone(),
                        });
                    }
                }
            }
        }
    }
}

/// What a table's parentheses hold, but for constraints of the table as a whole.
fn columns(tokens: &[Token<'_>]) -> Vec<String> {
    let mut columns = Vec::new();
    let mut depth = 0_u32;
    let mut begins = false;
    for token in tokens {
        match token {
            Token::Mark('(') => depth += 1,
            // What comes after the last are settings.
            Token::Mark(')') if depth <= 1 => break,
            Token::Mark(')') => depth -= 1,
            Token::Word(word) if begins && !token.is("CONSTRAINT") && !token.is("PRIMARY") => {
                columns.push((*word).to_owned());
            }
            _ => {}
        }
        begins = depth == 1 && matches!(token, Token::Mark('(' | ','));
    }
    columns
}

/// Names with commas between them; what is in parentheses after one is left out.
fn names(tokens: &[Token<'_>]) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0_u32;
    for token in tokens {
        match token {
            Token::Mark('(') => depth += 1,
            Token::Mark(')') => depth = depth.saturating_sub(1),
            Token::Word(word) if depth == 0 => names.push((*word).to_owned()),
            _ => {}
        }
    }
    names
}

/// Each with its columns: one empty text where it is for all of the table.
fn privileges(tokens: &[Token<'_>]) -> Vec<(String, Vec<String>)> {
    let mut privileges: Vec<(String, Vec<String>)> = Vec::new();
    let mut within = false;
    for token in tokens {
        match token {
            Token::Mark('(') => within = true,
            Token::Mark(')') => within = false,
            Token::Word(column) if within => {
                if let Some((_, columns)) = privileges.last_mut() {
                    columns.retain(|column| !column.is_empty());
                    columns.push((*column).to_owned());
                }
            }
            Token::Word(privilege) => privileges.push((privilege.to_uppercase(), vec![String::new()])),
            _ => {}
        }
    }
    privileges
}

#[cfg(test)]
mod tests;
