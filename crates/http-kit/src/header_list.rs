//! Lists in headers, as [RFC 9110 §5.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1) has them.

/// The elements of one line of a header, of which none is a quoted string; without white space around them. Empty ones are
/// no elements.
pub(crate) fn elements(line: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    line.split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests {
    use super::elements;

    #[test]
    fn empty_elements_are_none() {
        for (line, read) in [
            ("", &[][..]),
            (" ,\t, ,", &[]),
            ("a", &["a"]),
            (", a b ,,c\t,", &["a b", "c"]),
        ] {
            let found: Vec<_> = elements(line.as_bytes()).collect();
            let read: Vec<_> = read.iter().map(|text| text.as_bytes()).collect();
            assert_eq!(found, read, "{line:?}");
        }
    }
}
