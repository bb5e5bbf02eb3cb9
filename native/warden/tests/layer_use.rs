//! Deleting a layer against claims that use it.

mod common;

use std::sync::Barrier;

use atoll_wire::warden::{self as wire, failure::Code, make_layer, request::Op};
use common::{BASE_LAYER, Rig, random_id};

/// The claim once found the layer mounted, and the delete, which saw no user yet, removed its image.
#[test]
fn a_layer_is_claimed_or_deleted_and_never_both() {
    let rig = Rig::new();
    let mut source = rig.sandbox();
    source.ok(&["write", "/data/new", "kept"]);
    let (snapshot, _) = rig.snapshot(&source.id);
    rig.kill(&source.id);
    for _ in 0..12 {
        let layer = random_id();
        rig.ask(Op::MakeLayer(wire::MakeLayer {
            layer: layer.clone(),
            source: Some(make_layer::Source::Snapshot(snapshot.clone())),
        }))
        .unwrap();
        let (slot, _listener) = rig.slot();
        let sandbox = random_id();
        let mut claim = Rig::claim_request(&slot, &sandbox);
        claim.layers = vec![BASE_LAYER.to_owned(), layer.clone()];
        let delete = wire::DeleteLayer {
            layer: layer.clone(),
        };
        let (mut one, mut other, together) = (rig.connect(), rig.connect(), Barrier::new(2));
        let (claimed, deleted) = std::thread::scope(|scope| {
            let claiming = scope.spawn(|| {
                together.wait();
                one.ask(Op::Claim(claim)).map(drop)
            });
            together.wait();
            let deleted = other.ask(Op::DeleteLayer(delete.clone())).map(drop);
            (claiming.join().unwrap(), deleted)
        });
        let there = rig.pool().join(format!("layers/{layer}.img")).exists();
        match (claimed, deleted) {
            (Ok(()), Err(refused)) => {
                assert_eq!(refused.code(), Code::Busy);
                assert!(there);
                rig.kill(&sandbox);
                rig.done(Op::DeleteDisk(wire::DeleteDisk { sandbox }));
                rig.done(Op::DeleteLayer(delete));
            }
            (Err(refused), Ok(())) => {
                assert!(matches!(refused.code(), Code::Busy | Code::NotFound));
                assert!(!there);
                rig.done(Op::DropSlot(wire::DropSlot { slot }));
            }
            both => panic!("{both:?}"),
        }
    }
    assert_eq!(rig.leaks(), []);
}
