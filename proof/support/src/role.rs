use std::fmt;

use anyhow::anyhow;
use diesel::connection::SimpleConnection;
use url::Url;

use crate::TestDatabase;
use crate::database::{or_panic, try_connect};

/// A role of the server's that may sign in, for one test. Roles belong to the whole server: hence the name that no
/// other test has, and the end with this value, which has to come before the end of the database.
#[must_use]
pub struct TestRole {
    name: String,
    url: String,
    database: String,
}

impl TestRole {
    /// Makes a role, with what else `CREATE ROLE` can be told, as `IN ROLE jeton_verifier`.
    pub fn create(database: &TestDatabase, options: &str) -> Self {
        let name = format!("jeton_test_{:016x}", rand::random::<u64>());
        let made = Self::make(name, database.url(), options);
        or_panic("make a role", made)
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The database's address, for the role to sign in.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn make(name: String, database: &str, options: &str) -> anyhow::Result<Self> {
        let password = format!("{:032x}", rand::random::<u128>());
        let mut url = Url::parse(database)?;
        let unfit = |()| anyhow!("the address has no place for a user");
        url.set_username(&name).map_err(unfit)?;
        url.set_password(Some(&password)).map_err(unfit)?;
        try_connect(database)?.batch_execute(&format!(
            "CREATE ROLE {name} LOGIN PASSWORD '{password}' {options}"
        ))?;
        Ok(Self {
            name,
            url: url.into(),
            database: database.to_owned(),
        })
    }

    fn end(&self) -> anyhow::Result<()> {
        let name = &self.name;
        Ok(try_connect(&self.database)?.batch_execute(&format!(
            "REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; DROP ROLE {name}"
        ))?)
    }
}

impl Drop for TestRole {
    fn drop(&mut self) {
        // A second panic would end the test program without a word about the first.
        if let Err(error) = self.end()
            && !std::thread::panicking()
        {
            panic!("cannot drop {self:?}: {error:#}");
        }
    }
}

impl fmt::Debug for TestRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address has a password in it.
        f.debug_tuple("TestRole").field(&self.name).finish()
    }
}
