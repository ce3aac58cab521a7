use super::*;

const TOKEN: TokenNumber = TokenNumber(7);

fn at(stamp: u64) -> Stamp {
    Stamp(stamp)
}

fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.issued(TOKEN, at(100));
    ledger
}

fn sighting() -> Sighting {
    Sighting::nothing(TOKEN)
}

fn checks(checks: &[(u64, u64)]) -> Option<Checks> {
    let mut all = None;
    for &(start, end) in checks {
        let (start, end) = (at(start), at(end));
        Checks::note(&mut all, Check { start, end });
    }
    all
}

fn accepted(of: &[(u64, u64)]) -> Sighting {
    let accepted = checks(of);
    Sighting {
        accepted,
        ..sighting()
    }
}

fn refused(of: &[(u64, u64)]) -> Sighting {
    let refused = checks(of);
    Sighting {
        refused,
        ..sighting()
    }
}

fn verdicts(ledger: &Ledger) -> Vec<Verdict> {
    ledger
        .violations()
        .iter()
        .map(|violation| violation.verdict)
        .collect()
}

#[test]
fn an_accept_must_have_begun_before_the_acknowledgement() {
    let mut ledger = ledger();
    ledger.saw("v1", &accepted(&[(110, 110), (190, 190)]));
    ledger.ask(TOKEN, Right::Use, "logout", at(200));
    ledger.gone(TOKEN, Right::Use, at(300), Basis::Acknowledged);
    // Begun before, told of later: a process that was stopped meanwhile.
    ledger.saw("v1", &accepted(&[(210, 210), (299, 299)]));
    assert_eq!(verdicts(&ledger), []);

    ledger.saw("v2", &accepted(&[(250, 250), (301, 301)]));
    assert_eq!(verdicts(&ledger), [Verdict::AcceptedAfterRevocation]);
    let line = ledger.violations()[0].to_string();
    assert!(
        line.starts_with("VIOLATION accepted-after-revocation: token 7, v2: "),
        "{line}"
    );
    assert!(line.contains("1ns after its revocation (logout)"), "{line}");
}

#[test]
fn the_acknowledgement_may_be_heard_of_after_the_accept() {
    let mut ledger = ledger();
    ledger.ask(TOKEN, Right::Use, "logout", at(200));
    ledger.saw("v1", &accepted(&[(250, 250), (299, 299)]));
    ledger.saw("v2", &accepted(&[(250, 250), (320, 320)]));
    assert_eq!(verdicts(&ledger), []);
    ledger.gone(TOKEN, Right::Use, at(300), Basis::Acknowledged);
    assert_eq!(verdicts(&ledger), [Verdict::AcceptedAfterRevocation]);
    assert_eq!(ledger.violations()[0].process, "v2");
}

#[test]
fn a_violation_that_is_seen_again_and_again_is_told_once() {
    let mut ledger = ledger();
    ledger.ask(TOKEN, Right::Use, "logout", at(200));
    ledger.gone(TOKEN, Right::Use, at(300), Basis::Acknowledged);
    for n in 0..10 {
        ledger.saw("v1", &accepted(&[(310 + n, 320 + n)]));
    }
    assert_eq!(ledger.violations().len(), 1);
    assert_eq!(ledger.repeated(), 9);
}

#[test]
fn the_first_acknowledgement_counts() {
    let mut ledger = ledger();
    ledger.ask(TOKEN, Right::Use, "logout", at(200));
    ledger.gone(TOKEN, Right::Use, at(300), Basis::Acknowledged);
    ledger.gone(TOKEN, Right::Use, at(400), Basis::Overdue);
    ledger.saw("v1", &accepted(&[(350, 350), (350, 350)]));
    assert_eq!(verdicts(&ledger), [Verdict::AcceptedAfterRevocation]);
}

#[test]
fn a_valid_token_must_not_be_refused() {
    let mut ledger = ledger();
    // Begun before the token was there.
    ledger.saw("v1", &refused(&[(90, 120)]));
    assert_eq!(verdicts(&ledger), []);
    ledger.saw("v1", &refused(&[(100, 120)]));
    assert_eq!(verdicts(&ledger), [Verdict::RefusedWhileValid]);
}

#[test]
fn a_refusal_may_end_after_the_revocation_was_asked_for() {
    let mut ledger = ledger();
    ledger.ask(TOKEN, Right::Use, "logout", at(200));
    ledger.saw("v1", &refused(&[(150, 200), (150, 300), (250, 260)]));
    assert_eq!(verdicts(&ledger), []);
    // Of many, the one that ended too early is found.
    ledger.saw("v1", &refused(&[(150, 300), (150, 199), (250, 260)]));
    assert_eq!(verdicts(&ledger), [Verdict::RefusedWhileValid]);
}

#[test]
fn a_token_that_is_given_back_is_valid_again() {
    let mut ledger = ledger();
    ledger.ask(TOKEN, Right::Use, "disable", at(200));
    ledger.gone(TOKEN, Right::Use, at(300), Basis::Acknowledged);
    ledger.ask_back(TOKEN, Right::Use, at(400));
    // Not answered yet: either is right.
    ledger.saw("v1", &accepted(&[(410, 410), (410, 410)]));
    ledger.saw("v1", &refused(&[(405, 420)]));
    ledger.back(TOKEN, Right::Use, at(500));
    ledger.saw("v1", &accepted(&[(290, 290), (600, 600)]));
    ledger.saw("v1", &refused(&[(450, 520)]));
    assert_eq!(verdicts(&ledger), []);

    // Begun while it was gone, and perhaps looked up when it was back: a process that was stopped in between.
    ledger.saw("v1", &accepted(&[(350, 401), (600, 610)]));
    assert_eq!(verdicts(&ledger), []);

    ledger.saw("v1", &accepted(&[(350, 399), (600, 610)]));
    ledger.saw("v1", &refused(&[(450, 520), (510, 520)]));
    assert_eq!(
        verdicts(&ledger),
        [Verdict::AcceptedAfterRevocation, Verdict::RefusedWhileValid]
    );
}

#[test]
fn a_scope_is_taken_apart_from_the_token() {
    let mut ledger = ledger();
    ledger.ask(TOKEN, Right::Write, "set-scopes", at(200));
    ledger.gone(TOKEN, Right::Write, at(300), Basis::Acknowledged);
    ledger.saw("v1", &accepted(&[(310, 310), (320, 320)]));
    assert_eq!(verdicts(&ledger), []);
    let with_write = checks(&[(290, 291), (301, 302)]);
    ledger.saw(
        "v1",
        &Sighting {
            with_write,
            ..sighting()
        },
    );
    assert_eq!(verdicts(&ledger), [Verdict::AcceptedAfterRevocation]);
    assert!(ledger.violations()[0].to_string().contains("with the scope"));
}

#[test]
fn a_token_that_nobody_asked_to_revoke_is_not_gone() {
    let mut ledger = ledger();
    ledger.gone(TOKEN, Right::Use, at(300), Basis::Acknowledged);
    ledger.saw("v1", &accepted(&[(310, 310), (320, 320)]));
    assert_eq!(verdicts(&ledger), []);
}

#[test]
fn forgotten_tokens_are_not_judged() {
    let mut ledger = ledger();
    ledger.ask(TOKEN, Right::Use, "logout", at(200));
    ledger.gone(TOKEN, Right::Use, at(300), Basis::Acknowledged);
    ledger.forget(TOKEN);
    ledger.saw("v1", &accepted(&[(310, 310), (320, 320)]));
    assert_eq!(verdicts(&ledger), []);
}
