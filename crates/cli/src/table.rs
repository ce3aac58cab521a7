use jeton_domain::printable::escape;

/// No column is wider, in characters. A cell that is, is shown whole, and its own line alone is out of line: the others would be
/// padded with as much.
const WIDEST: usize = 256;

/// Columns of text under headings, for people to read; scripts have `--json`. What stands in them is shown printable.
pub(crate) struct Table<const COLUMNS: usize> {
    /// In characters. Carried from page to page, so that a long list stays in line as well as it can.
    widths: [usize; COLUMNS],
    headings: Option<[&'static str; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(crate) fn new(headings: [&'static str; COLUMNS]) -> Self {
        Self {
            widths: headings.map(|heading| heading.chars().count()),
            headings: Some(headings),
        }
    }

    /// The next rows, below the headings if they are the first.
    pub(crate) fn page(&mut self, rows: &[[String; COLUMNS]]) -> String {
        let printable = |row: &[String; COLUMNS]| row.each_ref().map(|cell| escape(cell).into_owned());
        let rows: Vec<_> = rows.iter().map(printable).collect();
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count().min(WIDEST));
            }
        }
        let headings = self.headings.take().map(|texts| texts.map(str::to_owned));
        headings.iter().chain(&rows).map(|row| self.line(row)).collect()
    }

    fn line(&self, row: &[String; COLUMNS]) -> String {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(self.widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(
                ' ',
                width.saturating_sub(cell.chars().count()) + 2,
            ));
        }
        format!("{}\n", line.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let mut table = Table::new(["NAME", "WHAT"]);
        let first = table.page(&[["ada".into(), "x".into()], ["grüße!".into(), String::new()]]);
        assert_eq!(first, "NAME    WHAT\nada     x\ngrüße!\n");
        assert_eq!(table.page(&[["bob".into(), "y".into()]]), "bob     y\n");
    }

    #[test]
    fn a_long_cell_is_whole_and_widens_no_other_line() {
        let long = "x".repeat(70_000);
        let mut table = Table::new(["NAME", "WHAT"]);
        let page = table.page(&[[long.clone(), "a".into()], ["ada".into(), long.clone()]]);
        let lines: Vec<&str> = page.lines().collect();
        assert_eq!(lines[1], format!("{long}  a"));
        assert_eq!(lines[2], format!("ada{}{long}", " ".repeat(255)));
    }

    #[test]
    fn a_cell_makes_no_line_of_its_own_and_moves_no_cursor() {
        let mut table = Table::new(["NAME", "WHAT"]);
        let page = table.page(&[["a\nb\u{1b}[2J".into(), "x\u{202e}y".into()]]);
        assert_eq!(page.lines().nth(1), Some("a\\u000ab\\u001b[2J  x\\u202ey"));
    }
}
