//! Comparing what the kernel and the pool hold with what the warden and the engine account for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use atoll_wire::warden::audit_report::Leak;
use atoll_wire::warden::{Audit, AuditReport};

use crate::fault::{During, Outcome};
use crate::gvisor::memory;
use crate::ids::Id;
use crate::lock::lock;
use crate::pool::disks::Family;
use crate::pool::{durable, loopdev};
use crate::warden::{END_LIMIT, Warden};

/// What the warden accounts for at one instant.
struct Known {
    slots: BTreeSet<Id>,
    /// Of slots that wait to be claimed.
    waiting: BTreeSet<Id>,
    sandboxes: BTreeSet<Id>,
    indexes: Vec<u32>,
}

impl Warden {
    /// What a request is at work on is left out; what has gone by itself between two looks may be
    /// reported.
    pub fn audit(&self, request: &Audit) -> Outcome<AuditReport> {
        let known_sandboxes = parse("known_sandboxes", &request.known_sandboxes)?;
        let known_snapshots = parse("known_snapshots", &request.known_snapshots)?;
        let known_layers = parse("known_layers", &request.known_layers)?;
        let known_volumes = parse("known_volumes", &request.known_volumes)?;
        let mut audit = Findings {
            leaks: Vec::new(),
            repair: request.repair,
        };
        let known = self.known();
        self.audit_groups(&known, &mut audit)?;
        self.audit_links(&known, &mut audit)?;
        self.audit_loops(&known, &mut audit)?;
        self.audit_mounts(&mut audit)?;
        self.audit_files(&known, &mut audit)?;
        if request.strict {
            let all = self.known().sandboxes;
            for id in all.difference(&known_sandboxes) {
                audit.found("process", format!("sandbox {id}"), || {
                    self.kill(*id).map(drop)
                });
            }
            for (family, accounted) in [
                (Family::Disk, &known_sandboxes),
                (Family::Snapshot, &known_snapshots),
                (Family::Volume, &known_volumes),
            ] {
                for id in self.pool.ids(family).during("disks")? {
                    if !accounted.contains(&id) {
                        let name = self.pool.image(family, id);
                        audit.found("file", name.display(), || match family {
                            Family::Disk => self.delete_disk(id),
                            Family::Snapshot => self.delete_snapshot(id),
                            Family::Volume => self.delete_volume(id),
                        });
                    }
                }
            }
            for id in memory::ids(&self.pool).during("memory")? {
                if !known_sandboxes.contains(&id) && !known_snapshots.contains(&id) {
                    let name = memory::memory_dir(&self.pool, id);
                    audit.found("file", name.display(), || self.delete_memory(id));
                }
            }
            for id in self.pool.layers().during("layers")? {
                // Imported templates have a name and are the operator's.
                let imported = self.pool.layer_record(id).is_ok_and(|r| !r.name.is_empty());
                if !imported && !known_layers.contains(&id) {
                    let name = self.pool.layer_image(id);
                    audit.found("file", name.display(), || self.delete_layer(id));
                }
            }
        }
        Ok(AuditReport { leaks: audit.leaks })
    }

    fn known(&self) -> Known {
        let state = lock(&self.state);
        let waiting: BTreeSet<Id> = state.slots.keys().copied().collect();
        let mut slots = waiting.clone();
        slots.extend(state.sandboxes.values().map(|s| s.slot));
        Known {
            slots,
            waiting,
            sandboxes: state.sandboxes.keys().copied().collect(),
            indexes: state.indexes.iter().copied().collect(),
        }
    }

    /// Whether a request makes, claims or releases it now, or has made it since `known` was taken.
    fn at_work(&self, id: Id) -> bool {
        if self.locks.busy(id) {
            return true;
        }
        let state = lock(&self.state);
        state.slots.contains_key(&id)
            || state.sandboxes.contains_key(&id)
            || state.sandboxes.values().any(|s| s.slot == id)
    }

    fn audit_groups(&self, known: &Known, audit: &mut Findings) -> Outcome<()> {
        for slot in self.cgroups.slots().during("cgroups")? {
            if known.slots.contains(&slot) || self.at_work(slot) {
                continue;
            }
            let group = self.cgroups.group(slot);
            for pid in group.processes() {
                audit.found("process", format!("{pid} of slot {slot}"), || {
                    group.kill().during("kill")
                });
            }
            audit.found("cgroup", slot, || {
                group.wait_empty(END_LIMIT).during("cgroup")?;
                group.remove(END_LIMIT).during("cgroup")
            });
        }
        Ok(())
    }

    fn audit_links(&self, known: &Known, audit: &mut Findings) -> Outcome<()> {
        for name in self.network.audit(&known.indexes).during("network")? {
            let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
            let index = name[name.len() - digits..].parse().ok();
            audit.found("veth", &name, || match index {
                Some(index) => self.network.destroy(index).during("network"),
                None => Ok(()),
            });
        }
        Ok(())
    }

    /// Devices over images of the pool that neither a live sandbox, a waiting slot nor a layer uses.
    fn audit_loops(&self, known: &Known, audit: &mut Findings) -> Outcome<()> {
        for (number, image) in loopdev::backed_below(&self.pool.root).during("loop devices")? {
            let path = Path::new(image.trim_end_matches(" (deleted)"));
            let id = path
                .file_stem()
                .and_then(|n| n.to_str())
                .and_then(Id::parse);
            let family = path
                .parent()
                .and_then(Path::file_name)
                .and_then(|n| n.to_str());
            let accounted = match (family, id) {
                (Some("layers"), Some(_)) => true,
                // Being formatted.
                (Some("empty"), _) => true,
                (Some("disks"), Some(id)) => known.sandboxes.contains(&id) || self.at_work(id),
                (Some("volumes"), Some(id)) => self.volumes.is_used(id) || self.at_work(id),
                // A claimed slot's device keeps the name its image had at first.
                (Some("slots"), Some(slot)) => known.slots.contains(&slot) || self.at_work(slot),
                _ => false,
            };
            if !accounted {
                audit.found("loop", format!("loop{number} of {image}"), || {
                    loopdev::detach(number).during("loop device")
                });
            }
        }
        Ok(())
    }

    /// In the host's namespace the instance has the pool and its tmpfs mounts, nothing else.
    fn audit_mounts(&self, audit: &mut Findings) -> Outcome<()> {
        let mounts = fs::read_to_string("/proc/1/mountinfo").during("mounts of the host")?;
        let below = [
            format!("{}/", self.pool.root.display()),
            format!("{}/", self.config.run_dir.display()),
        ];
        let expected = ["s", "live", "cgroup2"].map(|n| self.config.run_dir.join(n));
        for line in mounts.lines() {
            let Some(target) = line.split(' ').nth(4) else {
                continue;
            };
            let ours = below.iter().any(|prefix| target.starts_with(prefix));
            if ours && !expected.iter().any(|path| path == Path::new(target)) {
                // Not of this warden's making: it mounts nothing else there. Left to the operator.
                audit.leaks.push(Leak {
                    kind: "mount".to_owned(),
                    name: target.to_owned(),
                    repaired: false,
                });
            }
        }
        Ok(())
    }

    fn audit_files(&self, known: &Known, audit: &mut Findings) -> Outcome<()> {
        for (dir, keep) in [("slots", Some(&known.waiting)), ("tmp", None)] {
            for entry in fs::read_dir(self.pool.root.join(dir)).during("pool")? {
                let path = entry.during("pool")?.path();
                // Half-made things are called after what they are for: image-<id>.img.
                let id = path
                    .file_stem()
                    .and_then(|n| n.to_str())
                    .and_then(|name| name.rsplit('-').next())
                    .and_then(Id::parse);
                if id.is_some_and(|id| {
                    keep.is_some_and(|keep| keep.contains(&id)) || self.at_work(id)
                }) {
                    continue;
                }
                audit.found("file", path.display(), || {
                    match path.is_dir() {
                        true => fs::remove_dir_all(&path),
                        false => durable::remove(&path),
                    }
                    .during("pool")
                });
            }
        }
        // A record whose image was never renamed.
        for dir in ["disks", "snapshots", "volumes", "layers"] {
            for entry in fs::read_dir(self.pool.root.join(dir)).during("pool")? {
                let path = entry.during("pool")?.path();
                let other = match path.extension().and_then(|e| e.to_str()) {
                    Some("json") => path.with_extension("img"),
                    // A layer is one by its record; a disk without record still holds the files.
                    Some("img") if dir == "layers" => path.with_extension("json"),
                    _ => continue,
                };
                let id = path.file_stem().and_then(|n| n.to_str());
                let at_work = id.and_then(Id::parse).is_some_and(|id| self.at_work(id));
                if !other.exists() && !at_work {
                    audit.found("file", path.display(), || {
                        durable::remove(&path).during("pool")
                    });
                }
            }
        }
        if let Ok(runsc) = self.gvisor.usable() {
            for slot in runsc.remembered().during("records of runsc")? {
                // Asked in this order and now: one that was made meanwhile is at work or known.
                let nobodys = || {
                    !lock(&self.state).slots.contains_key(&slot)
                        && self.sandbox_of_slot(slot).is_none()
                };
                if !known.slots.contains(&slot) && !self.at_work(slot) && nobodys() {
                    audit.found("file", format!("records of runsc of slot {slot}"), || {
                        runsc.forget(slot).during("records of runsc")
                    });
                }
            }
        }
        for (id, _) in self.live.read_all().during("live records")? {
            if !known.sandboxes.contains(&id) && !self.at_work(id) {
                audit.found("file", format!("live record {id}"), || {
                    self.live.remove(id).during("live record")
                });
            }
        }
        Ok(())
    }
}

struct Findings {
    leaks: Vec<Leak>,
    repair: bool,
}

impl Findings {
    fn found(&mut self, kind: &str, name: impl ToString, repair: impl FnOnce() -> Outcome<()>) {
        let name = name.to_string();
        let repaired = self.repair
            && match repair() {
                Ok(()) => true,
                Err(fault) => {
                    eprintln!("warden: repair of {kind} {name}: {}", fault.message);
                    false
                }
            };
        self.leaks.push(Leak {
            kind: kind.to_owned(),
            name,
            repaired,
        });
    }
}

fn parse(field: &'static str, ids: &[String]) -> Outcome<BTreeSet<Id>> {
    ids.iter().map(|id| Id::of(field, id)).collect()
}
