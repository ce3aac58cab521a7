use icu_properties::CodePointMapData;
use icu_properties::props::BidiClass;

/// The Bidi Rule ([RFC 5893 §2]) for a name that has something written from right to left, as RFC 8265 §3.3.1 has it for
/// usernames: such a name begins with a letter of that direction and has none of the other, so that it is shown as it was
/// typed, whatever stands around it.
///
/// [RFC 5893 §2]: https://www.rfc-editor.org/rfc/rfc5893#section-2
pub(super) fn keeps_one_direction(text: &[char]) -> bool {
    use BidiClass as B;
    let classes: Vec<BidiClass> = text
        .iter()
        .map(|&c| CodePointMapData::<BidiClass>::new().get(c))
        .collect();
    let has = |class| classes.contains(&class);
    if ![B::R, B::AL, B::AN].into_iter().any(has) {
        return true;
    }
    let begins = matches!(classes.first(), Some(&(B::R | B::AL)));
    let last = classes.iter().rev().find(|&&class| class != B::NSM);
    let ends = matches!(last, Some(&(B::R | B::AL | B::EN | B::AN)));
    let others = [
        B::R,
        B::AL,
        B::AN,
        B::EN,
        B::ES,
        B::CS,
        B::ET,
        B::ON,
        B::BN,
        B::NSM,
    ];
    begins && ends && !(has(B::EN) && has(B::AN)) && classes.iter().all(|class| others.contains(class))
}
