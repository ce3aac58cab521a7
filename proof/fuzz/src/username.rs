//! Usernames: normalised once and for all, and one name in whatever case.

use jeton_domain::{Username, UsernameKey};

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(name) = Username::parse(&text) else { return };
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
    for (at, _) in written.char_indices() {
        assert!(
            key.starts_with(UsernameKey::of_prefix(&written[..at]).as_str()),
            "{written:?} {at}"
        );
    }
    // One letter has a capital that is not its own: Unicode folds the dotless ı to itself, and I to i.
    let own = written.replace('ı', "i");
    for other in [own.to_lowercase(), own.to_uppercase()] {
        // Changing case may make it longer than is allowed, or bring in a combining mark.
        if let Ok(other) = Username::parse(&other) {
            assert_eq!(*other.key(), UsernameKey::of_prefix(&own), "{own:?} {other}");
        }
    }
}
