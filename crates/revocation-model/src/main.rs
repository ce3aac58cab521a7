#![allow(clippy::print_stdout)]
use jeton_revocation_model::*;
use stateright::*;
use std::time::Instant;
fn main() {
    let mut s = PLAIN.clone();
    let mut mutant = None;
    for a in std::env::args().skip(1) {
        let (k, v) = a.split_once('=').unwrap_or((&a, "1"));
        let n = v.parse::<u8>().unwrap_or(0);
        match k {
            "lease" => s.leases = match v { "1"=>&[1], "2"=>&[2], "3"=>&[3], "22"=>&[2,2], "21"=>&[2,1], "11"=>&[1,1], _=>&[4]},
            "changes" => s.changes = match v { "r"=>&[Change::Revoke], "re"=>&[Change::Revoke, Change::Elsewhere], "er"=>&[Change::Elsewhere, Change::Revoke], "rs"=>&[Change::Revoke, Change::Restore], "sc"=>&[Change::Rescope], "rsr"=>&[Change::Revoke, Change::Restore, Change::Revoke], "rse"=>&[Change::Revoke, Change::Restore, Change::Elsewhere],_=>&[Change::Rescope, Change::Revoke]},
            "q" => s.queries = n,
            "inc" => s.incarnations = n,
            "disc" => s.faults.disconnects = n,
            "crash" => s.faults.crashes = n,
            "server" => s.faults.server_crashes = n,
            "lost" => s.faults.lost_replies = n,
            "purge" => s.purges = true,
            "giveup" => s.gives_up = true,
            "mutant" => mutant = Some(<Mutant as clap::ValueEnum>::from_str(v, true).unwrap()),
            _ => panic!("{k}"),
        }
    }
    let t = Instant::now();
    let c = Protocol { scenario: s, mutant }.checker().finish_when(HasDiscoveries::AnyOf([NO_STALE_ACCEPT, NO_WRONG_REFUSAL,BOUNDED_WAIT].into())).threads(2).spawn_bfs().join();
    println!("unique {} total {} depth {} in {:?}", c.unique_state_count(), c.state_count(), c.max_depth(), t.elapsed());
    for (name, path) in c.discoveries() {
        println!("== {name}");
        for (i, step) in path.into_actions().iter().enumerate() { println!("{i:3} {step}"); }
    }
}
