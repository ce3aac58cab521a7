use super::*;

#[test]
fn a_process_that_inherits_is_told_from_the_one_that_connected() {
    let (here, elsewhere) = (Home::here(), Home::of_another());
    for _ in 0..2 {
        let now = BootTime::now();
        assert!(!here.is_left() && !here.was_left(now));
        assert!(elsewhere.is_left() && elsewhere.was_left(now));
    }
}

/// The same memory, in a process that is another from now on.
#[test]
fn a_fork_is_noticed_by_the_checks_a_hundredth_of_a_second_later() {
    let mut home = Home::here();
    let now = BootTime::now();
    assert!(!home.was_left(now));
    home.process += 1;
    assert!(!home.was_left(now + (LOOK_EVERY - Duration::from_nanos(1))));
    assert!(home.was_left(now + LOOK_EVERY));
    assert!(home.was_left(now + LOOK_EVERY));
}
