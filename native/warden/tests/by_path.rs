//! The way of kernels before Linux 6.15, forced: overlays over attached mounts.

mod common;

use atoll_wire::warden::{self as wire, claim, make_layer, request::Op, response::Result as Reply};
use common::{BASE_LAYER, Rig, random_id};

fn rig() -> Rig {
    Rig::with(|config| config["overlay_by_path"] = true.into())
}

#[test]
fn a_life_over_attached_mounts_is_the_same() {
    let mut rig = rig();
    match rig.ask(Op::Doctor(wire::Doctor {})) {
        Ok(Reply::Doctor(report)) => assert!(
            report
                .checks
                .iter()
                .any(|c| c.name == "roots of sandboxes" && c.detail == "over paths")
        ),
        other => panic!("{other:?}"),
    }
    let mut first = rig.sandbox();
    assert_eq!(first.ok(&["read", "/data/inner/file"]), "of the layer");
    first.ok(&["write", "/data/new", "kept"]);
    first.ok(&["rename", "/data/inner", "/data/moved"]);
    assert_eq!(first.ok(&["stat", "/data/new"]), "100644 0 0");
    assert_eq!(first.ok(&["spool", "output"]), "output");
    let (snapshot, _) = rig.snapshot(&first.id);
    let layer = random_id();
    rig.ask(Op::MakeLayer(wire::MakeLayer {
        layer: layer.clone(),
        source: Some(make_layer::Source::Snapshot(snapshot.clone())),
    }))
    .unwrap();
    let mut fork = rig.sandbox_with(|claim| {
        claim.disk = Some(claim::Disk::Snapshot(snapshot));
    });
    assert_eq!(fork.ok(&["read", "/data/moved/file"]), "of the layer");
    let mut child = rig.sandbox_with(|claim| {
        claim.layers = vec![BASE_LAYER.to_owned(), layer.clone()];
    });
    assert_eq!(child.ok(&["read", "/data/new"]), "kept");
    rig.kill(&first.id);
    // Another warden, another namespace: what runs goes on, what stopped starts.
    rig.kill_warden();
    rig.start();
    assert_eq!(child.ok(&["read", "/data/moved/file"]), "of the layer");
    let id = first.id.clone();
    let mut again = rig.sandbox_with(|claim| {
        claim.sandbox = id;
        claim.disk = Some(claim::Disk::Existing(true));
    });
    assert_eq!(again.ok(&["read", "/data/new"]), "kept");
    for id in [&fork.id, &child.id, &again.id] {
        rig.kill(id);
        rig.done(Op::DeleteDisk(wire::DeleteDisk {
            sandbox: id.clone(),
        }));
    }
    rig.done(Op::DeleteLayer(wire::DeleteLayer { layer }));
    assert_eq!(rig.leaks(), []);
}

#[test]
fn the_longest_stack_of_layers_fits_the_kernels_bound_on_a_parameter() {
    const MOST: usize = 64;
    let rig = rig();
    let mut source = rig.sandbox();
    source.ok(&["write", "/data/new", "kept"]);
    let (snapshot, _) = rig.snapshot(&source.id);
    rig.kill(&source.id);
    let mut layers = vec![BASE_LAYER.to_owned()];
    while layers.len() < MOST {
        let layer = random_id();
        rig.ask(Op::MakeLayer(wire::MakeLayer {
            layer: layer.clone(),
            source: Some(make_layer::Source::Snapshot(snapshot.clone())),
        }))
        .unwrap();
        layers.push(layer);
    }
    let mut inmate = rig.sandbox_with(|claim| claim.layers = layers);
    assert_eq!(inmate.ok(&["read", "/data/new"]), "kept");
    rig.kill(&inmate.id);
}

#[test]
fn no_sandbox_sees_a_mount_of_the_namespace_of_layers() {
    let rig = rig();
    let mut first = rig.sandbox();
    let mut second = rig.sandbox();
    let mounts = |text: String| text.lines().count();
    let of_first = mounts(first.ok(&["read", "/proc/self/mounts"]));
    assert_eq!(of_first, mounts(second.ok(&["read", "/proc/self/mounts"])));
    let plain = Rig::new();
    let of_plain = mounts(plain.sandbox().ok(&["read", "/proc/self/mounts"]));
    assert_eq!(of_first, of_plain);
}
