//! Names and passwords that are typed in another way than they were set.

use crate::support::{Auth, attempt, kind, sign_up};
use diesel::connection::SimpleConnection;
use jeton_client::{ProblemKind, SignUpRequest};
use jeton_proof_support::{count, wait_until};

/// As some keyboards send it, and as most do.
const TYPED: &str = "le\u{301}gume\u{a0}tre\u{300}s vert";
const NORMALIZED: &str = "légume très vert";

fn with_password(username: &str, password: &str) -> SignUpRequest {
    SignUpRequest {
        password: password.into(),
        ..sign_up(username)
    }
}

#[tokio::test]
async fn a_name_is_found_by_every_spelling_that_folds_to_its_key() {
    let auth = Auth::start();
    let (sharp, long) = ("ß".repeat(64), "s".repeat(128));
    for (name, spellings) in [
        ("सीता", &["सीता"][..]),
        ("Zoë", &["zoe\u{308}", "ZOE\u{308}", "ｚｏｅ\u{308}"]),
        ("İpek", &["i̇pek", "İPEK"]),
        ("ΟΔΥΣΣΕΥΣ", &["οδυσσευς", "οδυσσευσ"]),
        ("ශ්\u{200d}රීනි", &["ශ්රීනි"]),
        (&sharp, &[&long, "SS".repeat(64).as_str()]),
    ] {
        auth.client().sign_up(&sign_up(name)).await.unwrap();
        for spelling in [&[name], spellings].concat() {
            let answer = auth.send(&attempt(spelling, crate::support::PASSWORD, "::1"));
            assert_eq!(answer.status, 200, "{name} as {spelling}");
            let taken = auth.client().sign_up(&sign_up(spelling)).await;
            let kind = kind(taken);
            let is_taken = [ProblemKind::UsernameTaken, ProblemKind::Validation].contains(&kind);
            assert!(is_taken, "{name} as {spelling}: {kind:?}");
        }
    }
    // No text of the database's can have it.
    assert_eq!(auth.send(&attempt("ada\0", "whatever", "::1")).status, 401);
}

#[tokio::test]
async fn a_password_is_right_however_it_is_typed() {
    let auth = Auth::start();
    for (name, set) in [("ada", NORMALIZED), ("bob", TYPED)] {
        let session = auth
            .client()
            .sign_up_session(&with_password(name, set))
            .await
            .unwrap();
        for typed in [NORMALIZED, TYPED] {
            let answer = auth.send(&attempt(name, typed, "::1"));
            assert_eq!(answer.status, 200, "{set:?} as {typed:?}");
        }
        let other = |typed: &str| typed.replace("vert", "jaune");
        session.change_password(TYPED, &*other(TYPED)).await.unwrap();
        session
            .change_password(&*other(NORMALIZED), NORMALIZED)
            .await
            .unwrap();
        assert_eq!(
            kind(session.delete_account("legume tres vert").await),
            ProblemKind::WrongPassword
        );
        session.delete_account(TYPED).await.unwrap();
    }
}

/// As it was hashed before passwords were normalized, and as Django does it: by crypt(3), of the SHA-256 of what was typed.
#[tokio::test]
async fn a_hash_of_what_was_typed_stays_right_and_is_made_anew() {
    const STORED: &str = "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuNLH71T4ZcBhxNhmo4UQOx2LJvjqNWqi";
    let auth = Auth::start();
    auth.sign_up("ada").await;
    let put = format!("UPDATE users SET password_hash = '{STORED}'");
    auth.connect().batch_execute(&put).unwrap();
    let status = |typed| auth.send(&attempt("ada", typed, "::1")).status;
    // Nobody can know it, until somebody types it.
    assert_eq!(status(NORMALIZED), 401);
    let kept = format!("users WHERE password_hash = '{STORED}'");
    wait_until("the hash is made anew", || {
        assert_eq!(status(TYPED), 200);
        count(&mut auth.connect(), &kept) == 0
    });
    let answers = [NORMALIZED, TYPED, "legume tres vert"].map(status);
    assert_eq!(answers, [200, 200, 401]);
}
