//! Usernames: normalised once and for all, and found by whatever spelling has their key.

use jeton_domain::{Username, UsernameKey};

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(key) = UsernameKey::of_typed(&text) {
        assert_eq!(UsernameKey::of_typed(key.as_str()), Some(key));
    }
    let Ok(name) = Username::parse(&text) else { return };
    assert_eq!(UsernameKey::of_typed(&text).as_ref(), Some(name.key()));
    let written = name.as_str();
    assert_eq!(Username::parse(written).as_ref(), Ok(&name));
    assert!((3..=64).contains(&written.chars().count()));
    let unseen = |c: char| c.is_whitespace() || c.is_control();
    assert!(
        !written.contains(|c| unseen(c) || "/:%\"'\\<>".contains(c)),
        "{written:?}"
    );
    check_key(&name);
}

fn check_key(name: &Username) {
    let (written, key) = (name.as_str(), name.key().as_str());
    assert_eq!(UsernameKey::of_prefix(written), *name.key());
    assert_eq!(UsernameKey::of_prefix(key), *name.key());
    for (at, next) in written.char_indices() {
        // A mark may become one with the letter before it once their case is folded; a name does not begin with one.
        let is_mark = Username::parse(&format!("{next}bc")).is_err();
        assert!(
            is_mark || key.starts_with(UsernameKey::of_prefix(&written[..at]).as_str()),
            "{written:?} {at}"
        );
    }
    assert_eq!(UsernameKey::of_typed(key).as_ref(), Some(name.key()));
    // One letter has a capital that is not its own: Unicode folds the dotless ı to itself, and I to i.
    let own = written.replace('ı', "i");
    for other in [own.to_lowercase(), own.to_uppercase()] {
        assert_eq!(
            UsernameKey::of_typed(&other),
            Some(UsernameKey::of_prefix(&own)),
            "{own:?} {other}"
        );
    }
}
