//! Prints how long the steps of a sandbox's life take; asserts nothing about it. Run with
//! `cargo build --release -p atoll-warden --examples && cargo bench -p atoll-warden --bench latency`;
//! ATOLL_GUEST names another guest than the tests' own, which then answers no commands.

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use atoll_wire::warden::{self as wire, request::Op};
use common::{Rig, random_id};

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |q: usize| times[(times.len() - 1) * q / 100].as_secs_f64() * 1e3;
    println!(
        "{what}: n={} p50 {:.2} p95 {:.2} max {:.2} ms",
        times.len(),
        at(50),
        at(95),
        at(100)
    );
}

fn main() {
    let rig = Rig::with(|config| {
        if let Ok(guest) = std::env::var("ATOLL_GUEST") {
            config["guest_binary"] = guest.into();
        }
    });
    let mut line = rig.connect();
    for idle in [0, 30] {
        let (mut prepare, mut claim, mut dial, mut kill, mut sized) =
            (vec![], vec![], vec![], vec![], vec![]);
        for round in 0..30 {
            let slot = random_id();
            let listener = rig.slot_socket(&slot);
            std::thread::sleep(Duration::from_millis(idle));
            let start = Instant::now();
            line.ask(Op::PrepareSlot(wire::PrepareSlot {
                slot: slot.clone(),
                ..Default::default()
            }))
            .unwrap();
            prepare.push(start.elapsed());
            let sandbox = random_id();
            let mut request = Rig::claim_request(&slot, &sandbox);
            let other = round % 4 == 3;
            if other {
                request.disk = Some(wire::claim::Disk::NewBytes(20 << 30));
            }
            std::thread::sleep(Duration::from_millis(idle));
            let start = Instant::now();
            line.ask(Op::Claim(request)).unwrap();
            if other {
                sized.push(start.elapsed())
            } else {
                claim.push(start.elapsed())
            }
            listener.accept().unwrap();
            dial.push(start.elapsed());
            std::thread::sleep(Duration::from_millis(idle));
            let start = Instant::now();
            line.ask(Op::Kill(wire::Kill {
                sandbox: sandbox.clone(),
            }))
            .unwrap();
            kill.push(start.elapsed());
            line.ask(Op::DeleteDisk(wire::DeleteDisk { sandbox }))
                .unwrap();
        }
        println!("idle {idle} ms between operations");
        report("  prepare slot", prepare);
        report("  claim, default disk", claim);
        report("  claim, another size", sized);
        report("  claim to dialled", dial);
        report("  kill", kill);
    }
    if std::env::var_os("ATOLL_GUEST").is_some() {
        return;
    }
    let mut inmate = rig.sandbox();
    inmate.ok(&["fill", "/data/dirty", "50"]);
    let (mut blocked, mut synced) = (vec![], vec![]);
    for _ in 0..10 {
        inmate.ok(&["write", "/data/more", "x"]);
        let (_, made) = rig.snapshot(&inmate.id);
        blocked.push(Duration::from_micros(made.blocked_us));
        synced.push(Duration::from_micros(made.synced_us));
    }
    report("snapshot blocked", blocked);
    report("snapshot sync", synced);
}
