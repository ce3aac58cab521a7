use super::*;
use proptest::prelude::*;

fn key(text: &str) -> String {
    Username::parse(text).unwrap().key().as_str().to_owned()
}

/// What a sign-in looks for.
fn typed(text: &str) -> String {
    UsernameKey::of_typed(text).unwrap().as_str().to_owned()
}

/// A name is found by what it is written like, in whatever case, by its key, and by nothing that another would be.
fn check_spellings(name: &Username) {
    let (text, key) = (name.as_str(), name.key().as_str());
    assert_eq!(typed(text), key, "{text:?}");
    assert_eq!(typed(key), key, "{text:?} by its key");
    // The capital of ı is not its own: by default, Unicode folds ı to itself, and I to i.
    let own = text.replace('ı', "i");
    for other in [own.to_lowercase(), own.to_uppercase()] {
        assert_eq!(typed(&other), typed(&own), "{text:?} as {other:?}");
    }
    assert_eq!(Username::parse(text).as_ref(), Ok(name), "{text:?} once more");
    assert!(Username::is_reachable(text, key) && !Username::is_reachable(text, "somebody else"));
}

#[test]
fn keeps_the_case_it_was_given_and_compares_without() {
    assert_eq!(
        Username::parse("Ada.L+x@Example_1-2").unwrap().as_str(),
        "Ada.L+x@Example_1-2"
    );
    assert_eq!(key("ADA"), key("ada"));
    assert_eq!(key("STRASSE"), key("straße"));
    assert_eq!(key("ΟΔΟΣ"), key("οδος"));
    // By default, Unicode folds the dotless ı to itself, and I to i.
    assert_ne!(key("ıda"), key("IDA"));
}

#[test]
fn compatibility_forms_are_one_name() {
    assert_eq!(key("ａｄａ"), key("ada"));
    assert_eq!(key("ﬁona"), key("fiona"));
    assert_eq!(key("e\u{301}va"), key("éva"));
}

#[test]
fn letters_have_their_marks() {
    for name in [
        "सीता",
        "சீதா",
        "আনিকা",
        "ณัฐพงษ์",
        "מֹשֶׁה",
        "مُحَمَّد",
        "བསྟན་འཛིན",
        "ʼOkina",
        "İstanbul",
        "Nguyễn",
        "x\u{30c}y\u{301}z",
    ] {
        let name = Username::parse(name).unwrap_or_else(|refused| panic!("{name}: {refused}"));
        check_spellings(&name);
    }
}

/// Without its letter, a mark is drawn on whatever stands before the name.
#[test]
fn no_name_begins_with_a_mark() {
    for bad in ["\u{301}ada", "ीसता", "\u{5b7}משה"] {
        assert_eq!(Username::parse(bad), Err(UsernameRefused::Character), "{bad:?}");
    }
}

/// RFC 5892, appendix A.
#[test]
fn some_characters_need_others_beside_them() {
    for (good, bad) in [
        // Joiners: after a virama, or between letters that would join.
        ("ශ්\u{200d}රීනි", "ශ\u{200d}රීනි"),
        ("می\u{200c}ترا", "دا\u{200c}ریوش"),
        ("Gal·la", "Ga·la"),
        ("ג׳ורג׳", "׳גורג"),
        ("ジョン・スミス", "jon・smith"),
        ("علی۱۲۳", "علی۱٢۳"),
        ("αβ͵γ", "ab͵c"),
        // A mark on a letter that is another with its iota in capitals.
        ("ᾷδης", "ᾼ\u{342}δης"),
    ] {
        let name = Username::parse(good).unwrap_or_else(|refused| panic!("{good}: {refused}"));
        check_spellings(&name);
        assert_eq!(Username::parse(bad), Err(UsernameRefused::Character), "{bad:?}");
    }
}

#[test]
fn joiners_make_no_other_name() {
    assert_eq!(key("می\u{200c}ترا"), key("میترا"));
    assert_eq!(typed("ශ්රීනි"), key("ශ්\u{200d}රීනි"));
    // Typed where they have no place.
    assert_eq!(typed("a\u{200d}da"), key("ada"));
}

/// RFC 5893 §2.
#[test]
fn what_is_written_from_right_to_left_keeps_one_direction() {
    for good in ["משה_כהן", "علی.رضا", "שלום2027", "علي٢٠٢٧", "מֹשֶׁה", "ada.2027"]
    {
        assert!(Username::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "ada.שלום",
        "שלום@example.org",
        "2027שלום",
        "שלום_",
        "_שלום",
        "ada٢٠",
        "علي٢7",
    ] {
        assert_eq!(Username::parse(bad), Err(UsernameRefused::Direction), "{bad}");
        // Whoever has such a name already may sign in by it.
        assert!(UsernameKey::of_typed(bad).is_some(), "{bad}");
    }
}

#[test]
fn length_is_counted_in_characters() {
    assert_eq!(Username::parse("ab"), Err(UsernameRefused::Length));
    assert!(Username::parse("äöü").is_ok());
    assert!(Username::parse(&"语".repeat(64)).is_ok());
    assert_eq!(Username::parse(&"x".repeat(65)), Err(UsernameRefused::Length));
    assert_eq!(
        Username::parse(&"x".repeat(1 << 20)),
        Err(UsernameRefused::Length)
    );
}

/// Another spelling may be longer than a name may be, or shorter.
#[test]
fn the_longest_names_are_found_by_all_their_spellings() {
    for letter in ['ß', 'ΐ', 'ᾷ', 'İ', 'ǰ', 'ễ', '각', '𝕬'] {
        let name = Username::parse(&letter.to_string().repeat(64)).unwrap();
        check_spellings(&name);
        let decomposed: String = icu_normalizer::DecomposingNormalizer::new_nfd()
            .normalize(name.as_str())
            .into_owned();
        assert_eq!(typed(&decomposed), name.key().as_str(), "{letter}");
    }
    assert_eq!(UsernameKey::of_typed(&"x".repeat(MAX_BYTES + 1)), None);
}

#[test]
fn refuses_what_cannot_be_seen_or_typed() {
    for bad in [
        "a b",
        "ada\n",
        "ada\0",
        "ad\u{200b}a",
        "ad\u{202e}a",
        "\u{3164}\u{3164}\u{3164}",
        "a/b",
        "\u{345}\u{345}\u{345}",
        "ad\u{345}a",
        "a:b",
        "a%b",
        "<ada>",
        // Marks that cannot be seen: a variation selector, the grapheme joiner, Khmer's inherent vowel.
        "ada\u{fe0f}",
        "a\u{34f}da",
        "ada\u{17b4}",
        // Marks around letters, and letters that only stretch others.
        "ada\u{20dd}",
        "م\u{640}حمد",
        "ada²\u{2460}½",
    ] {
        assert_eq!(Username::parse(bad), Err(UsernameRefused::Character), "{bad:?}");
    }
    for nobodys in [
        "",
        "a b",
        "ada\0",
        "ad\u{200b}a",
        "a%b",
        "ada\u{fe0f}",
        "\u{200d}",
    ] {
        assert_eq!(UsernameKey::of_typed(nobodys), None, "{nobodys:?}");
    }
}

/// As importers write them, who take what their language or their database calls lower case.
#[test]
fn a_key_that_was_made_otherwise_is_told() {
    for (name, key, reachable) in [
        ("Ada", "ada", true),
        ("Straße", "strasse", true),
        ("Straße", "straße", false),
        ("ΟΔΟΣ", "οδος", false),
        ("İpek", "i̇pek", true),
        ("İpek", "ipek", false),
        ("Ada", "Ada", false),
        ("Ａda", "ada", true),
        ("e\u{301}va", "e\u{301}va", false),
        ("a b c", "a b c", false),
    ] {
        assert_eq!(Username::is_reachable(name, key), reachable, "{name} {key}");
    }
}

/// Every character there is, beside others that it might do something with; of scripts that are as uniform as they are
/// large, some.
#[test]
fn every_letter_is_found_by_its_spellings() {
    let uniform = |c| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{12000}'..='\u{1cfff}' | '\u{20000}'..);
    let looked_at = |&c: &char| (!uniform(c) || u32::from(c) % 64 == 0) && class::is_possible(c);
    let mut longest = 0;
    for c in ('\0'..=char::MAX).filter(looked_at) {
        let text = format!("ab{c}");
        if let Ok(name) = Username::parse(&text) {
            check_spellings(&name);
            if name.as_str() == text {
                longest = longest.max(name.key().as_str().len() - 2);
            }
        }
        // Letters without case do nothing when it is folded.
        let cased = c.to_lowercase().to_string() != c.to_uppercase().to_string();
        let marks = [
            "\u{301}",
            "\u{308}",
            "\u{323}\u{30c}",
            "\u{342}",
            "\u{307}\u{301}",
            "\u{5b7}",
        ];
        for mark in marks.iter().filter(|_| cased) {
            if let Ok(name) = Username::parse(&format!("{c}{mark}{c}bc")) {
                check_spellings(&name);
            }
        }
    }
    // What the table bounds keys by is more than the longest.
    assert!(longest * MAX_CHARS <= 1024, "{longest}");
}

proptest! {
    #[test]
    fn parsing_is_idempotent(text in "\\PC{0,80}") {
        if let Ok(name) = Username::parse(&text) {
            prop_assert_eq!(&Username::parse(name.as_str()).unwrap(), &name);
        }
    }

    #[test]
    fn a_key_begins_as_its_name_does(text in "[a-zA-Z0-9._@+-]{3,20}", chars in 0_usize..20) {
        let name = Username::parse(&text).unwrap();
        let prefix: String = text.chars().take(chars).collect();
        prop_assert!(name.key().as_str().starts_with(UsernameKey::of_prefix(&prefix).as_str()));
    }

    #[test]
    fn any_spelling_of_a_name_finds_it(
        text in "([\\p{L}\\p{Nd}._@+-][\\p{Mn}\\p{Mc}]{0,2}){2,20}|([A-Za-zÀ-ɏͰ-Ͽἀ-\u{1ffe}Ѐ-ӿ][\u{300}-\u{36f}]{0,3}){2,20}"
    ) {
        if let Ok(name) = Username::parse(&text) {
            check_spellings(&name);
            prop_assert_eq!(&typed(&text), name.key().as_str());
        }
    }

    #[test]
    fn no_input_panics(text in any::<String>()) {
        if let Some(key) = UsernameKey::of_typed(&text) {
            prop_assert_eq!(UsernameKey::of_typed(key.as_str()), Some(key));
        }
    }
}
