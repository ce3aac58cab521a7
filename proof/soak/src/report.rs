//! What a run tells at its end.

use crate::findings::Findings;
use crate::restart::told;
use crate::say;
use crate::usage::Usage;
use crate::world::World;

pub(crate) fn tell(world: &World, findings: &Findings) {
    let (total, secs) = (world.book.total(), findings.requests_in.as_secs_f64());
    say(&format!("\nrequests: {total} in {secs:.0} s"));
    for (request, answers) in world.book.requests() {
        let outcomes = answers.by_outcome.iter();
        let outcomes: Vec<_> = outcomes
            .map(|(outcome, count)| format!("{outcome}: {count}"))
            .collect();
        say(&format!(
            "  {request:22} slowest {:7.1} ms   {}",
            answers.slowest.as_secs_f64() * 1000.0,
            outcomes.join(", ")
        ));
    }
    for outage in world.outages.all() {
        say(&told(world, &outage));
    }
    let services = world.services.iter();
    let away: Vec<_> = services
        .map(|service| format!("{} {}", service.name, world.book.away(&service.name)))
        .collect();
    say(&format!("503 with Retry-After: {}", away.join(", ")));
    tell_usage(world, findings);
    tell_tables(findings);
    for leak in &findings.leaks {
        say(&format!("LEAK {leak}"));
    }
    let number = |count: u64| {
        if count == 0 {
            "none".to_owned()
        } else {
            count.to_string()
        }
    };
    say(&format!("leaks: {}", number(findings.leaks.len() as u64)));
    say(&format!("wrong: {}", number(world.book.wrongs())));
}

/// After the warm-up, at the most, and at the end, when all had left.
fn tell_usage(world: &World, findings: &Findings) {
    say("                         memory MiB         descriptors             threads   pool  tokens");
    say("service             warm  most   end   warm  most   end    warm  most   end    end     end");
    let usages = findings.before.iter().zip(&findings.peak).zip(&findings.after);
    for (service, ((warm, most), end)) in world.services.iter().zip(usages) {
        let mib = |usage: &Usage| usage.memory_kib / 1024;
        say(&format!(
            "{:16} {:7} {:5} {:5} {:6} {:5} {:5} {:7} {:5} {:5} {:6} {:7}",
            service.name,
            mib(warm),
            mib(most),
            mib(end),
            warm.descriptors,
            most.descriptors,
            end.descriptors,
            warm.threads,
            most.threads,
            end.threads,
            end.pool,
            end.tokens
        ));
    }
}

fn tell_tables(findings: &Findings) {
    let rows: Vec<_> = findings
        .rows_after
        .iter()
        .map(|(table, count)| {
            let before = findings.rows_before.get(table).copied().unwrap_or_default();
            format!("{table} {before} → {count}")
        })
        .collect();
    say(&format!(
        "rows after the warm-up → at the end: {}",
        rows.join(", ")
    ));
    let sessions = findings.most_sessions.iter();
    let sessions: Vec<_> = sessions.map(|(role, count)| format!("{role} {count}")).collect();
    say(&format!(
        "connections to Postgres, at the most: {}",
        sessions.join(", ")
    ));
}
