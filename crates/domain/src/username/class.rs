//! Which characters a name may have, and where.

use icu_normalizer::DecomposingNormalizer;
use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, GeneralCategory, JoiningType, Script,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Joiners ([RFC 5892, A.1 and A.2]): they shape the letters beside them, and are nothing by themselves.
///
/// [RFC 5892, A.1 and A.2]: https://www.rfc-editor.org/rfc/rfc5892#appendix-A
pub(super) const JOINERS: [char; 2] = [NON_JOINER, JOINER];
const NON_JOINER: char = '\u{200c}';
const JOINER: char = '\u{200d}';

/// As in Catalan's "Gal·la".
const MIDDLE_DOT: char = '\u{b7}';
/// Greek's, which makes numbers of letters.
const KERAIA: char = '\u{375}';
/// As in Hebrew's "George".
const GERESH: char = '\u{5f3}';
const GERSHAYIM: char = '\u{5f4}';
/// Between the parts of a foreign name in Japanese.
const KATAKANA_DOT: char = '\u{30fb}';

/// Whether there is a place for the character in some name: in the IdentifierClass of [RFC 8264 §4.2], of which ASCII's
/// punctuation is not taken, but for `._-@+`.
///
/// [RFC 8264 §4.2]: https://www.rfc-editor.org/rfc/rfc8264#section-4.2
pub(super) fn is_possible(c: char) -> bool {
    // What the tables of RFC 5892 §2.6 let in beyond the categories, and what only beside others (appendix A).
    const BEYOND: [char; 9] = [
        '\u{6fd}',
        '\u{6fe}',
        '\u{f0b}',
        '\u{3007}',
        MIDDLE_DOT,
        KERAIA,
        GERESH,
        GERSHAYIM,
        KATAKANA_DOT,
    ];
    // And what they leave out of them: letters that only stretch others, marks of tone in old Hangul. U+0345 is a mark that
    // is a letter once its case is folded.
    const NOT: [char; 11] = [
        '\u{345}', '\u{640}', '\u{7fa}', '\u{302e}', '\u{302f}', '\u{3031}', '\u{3032}', '\u{3033}',
        '\u{3034}', '\u{3035}', '\u{303b}',
    ];
    (is_letter_or_digit(c) && !NOT.contains(&c))
        || "._-@+".contains(c)
        || BEYOND.contains(&c)
        || JOINERS.contains(&c)
}

/// LetterDigits of RFC 8264 §9.1, and titlecase, which folding case takes away. By general category, since
/// `char::is_alphanumeric` takes some marks for letters, and others not. None that cannot be seen.
fn is_letter_or_digit(c: char) -> bool {
    use GeneralCategory::{
        DecimalNumber, LowercaseLetter, ModifierLetter, NonspacingMark, OtherLetter, SpacingMark,
        TitlecaseLetter, UppercaseLetter,
    };
    matches!(
        CodePointMapData::<GeneralCategory>::new().get(c),
        LowercaseLetter
            | UppercaseLetter
            | TitlecaseLetter
            | OtherLetter
            | ModifierLetter
            | DecimalNumber
            | NonspacingMark
            | SpacingMark
    ) && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether each character is where it may be. A mark that came first would join what is shown before the name.
pub(super) fn are_in_place(text: &[char]) -> bool {
    !text.first().is_some_and(|&c| is_mark(c))
        && (0..text.len()).all(|at| is_in_place(text, at))
        && !mixes_arabic_digits(text)
}

fn is_mark(c: char) -> bool {
    matches!(
        CodePointMapData::<GeneralCategory>::new().get(c),
        GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark
    )
}

/// The rules of RFC 5892, appendix A.
fn is_in_place(text: &[char], at: usize) -> bool {
    let before = text[..at].last().copied();
    let after = text.get(at + 1).copied();
    let is_l = |c| matches!(c, Some('l' | 'L'));
    match text[at] {
        NON_JOINER => is_virama(before) || would_join(&text[..at], &text[at + 1..]),
        JOINER => is_virama(before),
        MIDDLE_DOT => is_l(before) && is_l(after),
        KERAIA => is_of(after, Script::Greek),
        GERESH | GERSHAYIM => is_of(before, Script::Hebrew),
        KATAKANA_DOT => [Script::Hiragana, Script::Katakana, Script::Han]
            .iter()
            .any(|&script| text.iter().any(|&c| is_of(Some(c), script))),
        // In capitals, the iota is a letter, and has the mark.
        mark if is_mark(mark) => !before.is_some_and(has_iota_below),
        _ => true,
    }
}

fn is_of(c: Option<char>, script: Script) -> bool {
    c.is_some_and(|c| CodePointMapData::<Script>::new().get(c) == script)
}

fn is_virama(c: Option<char>) -> bool {
    let classes = CodePointMapData::<CanonicalCombiningClass>::new();
    c.is_some_and(|c| classes.get(c) == CanonicalCombiningClass::Virama)
}

/// Whether the letter has U+0345 among its parts.
fn has_iota_below(c: char) -> bool {
    let parts = DecomposingNormalizer::new_nfd();
    ('\u{1f80}'..='\u{1ffc}').contains(&c) && parts.normalize(c.encode_utf8(&mut [0; 4])).ends_with('\u{345}')
}

/// Whether the letters before and after would be joined if there were nothing between them.
fn would_join(before: &[char], after: &[char]) -> bool {
    let joining = |&c: &char| CodePointMapData::<JoiningType>::new().get(c);
    let shown = |kind: &JoiningType| *kind != JoiningType::Transparent;
    let left = before.iter().rev().map(joining).find(shown);
    let right = after.iter().map(joining).find(shown);
    matches!(left, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(right, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}

/// Whether there are digits of both kinds, of which some look alike (RFC 5892, A.8 and A.9).
fn mixes_arabic_digits(text: &[char]) -> bool {
    let has = |digits: std::ops::RangeInclusive<char>| text.iter().any(|c| digits.contains(c));
    has('\u{660}'..='\u{669}') && has('\u{6f0}'..='\u{6f9}')
}
