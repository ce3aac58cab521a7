//! Writes all generated files of the repository.

fn main() -> std::io::Result<()> {
    jeton_reference::FILES
        .iter()
        .try_for_each(jeton_reference::Generated::write)
}
