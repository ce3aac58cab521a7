use super::{ASSETS, Assets};
use crate::settings::Signup;
use std::collections::BTreeSet;
use std::fs::read_dir;

const PAGES: [&str; 3] = [
    include_str!("../../../web/authorize.html"),
    include_str!("../../../web/device.html"),
    include_str!("../../../web/account/apps.html"),
];

/// A file that is added and not named would be missed by those alone whom the auth API serves.
#[test]
fn every_file_is_served() {
    let folder = read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/web/assets")).unwrap();
    let there: BTreeSet<_> = folder
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let served = ASSETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, served);
}

#[test]
fn all_of_it_is_small() {
    let assets = Assets::new(Signup::Open);
    let size = |asset: &super::Asset| asset.compressed.as_ref().unwrap().len();
    let assets: usize = assets.0.iter().map(size).sum();
    let pages: usize = PAGES.iter().map(|page| page.len()).sum();
    assert!(assets + pages < 60 * 1024, "{assets} + {pages} bytes");
}

/// No address but those of the files themselves, no markup out of text, no style within markup.
#[test]
fn nothing_comes_from_elsewhere() {
    let texts = ASSETS.iter().map(|(name, text)| (*name, *text));
    for (name, text) in texts.chain(PAGES.iter().map(|page| ("a page", *page))) {
        // A namespace, an example in a comment.
        let text = text
            .replace("http://www.w3.org/2000/svg", "")
            .replace("https://auth.example.org/", "");
        for outside in [
            "http://",
            "https://",
            "@import",
            "url(",
            "innerHTML",
            "eval(",
            "document.cookie",
            "style=",
        ] {
            assert!(!text.contains(outside), "{name}: {outside}");
        }
    }
}

#[test]
fn where_nobody_may_sign_up_it_is_not_offered() {
    let config = |signup| {
        let assets = Assets::new(signup).0;
        let config = assets
            .into_iter()
            .find(|asset| asset.name == "config.js")
            .unwrap();
        String::from_utf8(config.plain.to_vec()).unwrap()
    };
    assert!(config(Signup::Open).contains("signUp: true"));
    assert!(config(Signup::Closed).contains("signUp: false"));
}
