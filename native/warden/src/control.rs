//! Freeze, Thaw, SetLimits, SetNetwork of a live sandbox.

use atoll_wire::warden::{self as wire, Isolation};

use crate::fault::{During, Fault, Outcome};
use crate::ids::Id;
use crate::live::{Holds, LiveRecord};
use crate::lock::lock;
use crate::net::policy::{MAX_ENTRIES, Policy};
use crate::seccomp::Profile;
use crate::warden::{END_LIMIT, Sandbox, Warden};

impl Warden {
    /// Idempotent. Answers when every process has stopped.
    pub fn freeze(&self, id: Id) -> Outcome<()> {
        self.locks.with(id, || {
            let sandbox = self.sandbox(id)?;
            lock(&sandbox.holds).engine = true;
            self.record_live(&sandbox)?;
            self.hold(&sandbox)?;
            if sandbox.isolation == Isolation::Gvisor
                || sandbox.group.wait_frozen(END_LIMIT).during("freeze")?
            {
                return Ok(());
            }
            self.let_go_for(&sandbox, |holds| holds.engine = false)?;
            Err(Fault::new(
                wire::failure::Code::Busy,
                format!("sandbox {id}: a process does not stop"),
            ))
        })
    }

    /// Refused while going on could fill the pool.
    pub fn thaw(&self, id: Id) -> Outcome<()> {
        self.locks.with(id, || {
            let sandbox = self.sandbox(id)?;
            let free = self.pool.space().during("free space")?.writable();
            if lock(&sandbox.holds).pool || free < self.pool.freeze_mark {
                return Err(Fault::new(
                    wire::failure::Code::PoolFull,
                    format!(
                        "sandbox {id} may not go on: the pool has {free} bytes free, less what sandboxes \
                         wrote to memory, and writers are stopped below {}",
                        self.pool.freeze_mark
                    ),
                ));
            }
            self.let_go_for(&sandbox, |holds| holds.engine = false)
        })
    }

    /// Ends one side's hold; the sandbox goes on when it was the last.
    pub fn let_go_for(&self, sandbox: &Sandbox, end: impl FnOnce(&mut Holds)) -> Outcome<()> {
        let left = {
            let mut holds = lock(&sandbox.holds);
            end(&mut holds);
            *holds
        };
        if left == Holds::default() {
            self.let_go(sandbox)?;
        }
        self.record_live(sandbox)
    }

    /// Writes the record that a successor takes the sandbox over by. From any thread, and with or without
    /// the sandbox's lock: one that ended meanwhile leaves none, since its end forgets it before it
    /// removes the record.
    pub fn record_live(&self, sandbox: &Sandbox) -> Outcome<()> {
        {
            let _one = lock(&self.live.writing);
            self.live
                .write(sandbox.id, &self.live_record(sandbox))
                .during("live record")?;
        }
        match self.sandbox(sandbox.id) {
            Ok(_) => Ok(()),
            Err(_) => self.live.remove(sandbox.id).during("live record"),
        }
    }

    /// Stops every process, or begins to. Idempotent. A sentry does it itself: the kernel's freezer
    /// interrupts the system calls of its stubs, and it kills the threads inside that they stand for.
    pub fn hold(&self, sandbox: &Sandbox) -> Outcome<()> {
        match sandbox.isolation {
            Isolation::Container => sandbox.group.freeze(true).during("freeze"),
            Isolation::Gvisor if sandbox.is_held() => Ok(()),
            Isolation::Gvisor => self.pause_sentry(sandbox),
        }
    }

    /// Lets every process go on. Idempotent.
    pub fn let_go(&self, sandbox: &Sandbox) -> Outcome<()> {
        match sandbox.isolation {
            Isolation::Container => sandbox.group.freeze(false).during("thaw"),
            Isolation::Gvisor if sandbox.is_held() => self.go_on(sandbox),
            Isolation::Gvisor => Ok(()),
        }
    }

    pub fn set_limits(&self, id: Id, limits: Option<wire::Limits>) -> Outcome<()> {
        self.locks.with(id, || {
            let sandbox = self.sandbox(id)?;
            let wanted = self.limits(limits);
            let mut current = lock(&sandbox.limits);
            sandbox
                .group
                .apply(
                    Some(current.of_groups(sandbox.isolation)),
                    wanted.of_groups(sandbox.isolation),
                )
                .during("limits")?;
            *current = wanted;
            drop(current);
            self.record_live(&sandbox)
        })
    }

    pub fn set_network(
        &self,
        id: Id,
        enabled: bool,
        policy: Option<wire::NetworkPolicy>,
    ) -> Outcome<()> {
        let policy = policy.map(checked_policy).transpose()?;
        self.locks.with(id, || {
            let sandbox = self.sandbox(id)?;
            // Recorded before it is in force: whoever follows a warden that is killed in between puts
            // what was asked for into force.
            *lock(&sandbox.policy) = policy.clone();
            self.record_live(&sandbox)?;
            self.network
                .limit(sandbox.index, policy)
                .during("network policy")?;
            self.network
                .set_enabled(sandbox.index, enabled)
                .during("network")
        })
    }

    pub fn denials(&self, id: Id) -> Outcome<wire::DenialReport> {
        let sandbox = self.sandbox(id)?;
        let (denials, since_ms) = self.network.denials(sandbox.index).during("denials")?;
        let denials = denials
            .into_iter()
            .map(|denial| wire::denial_report::Denial {
                first_ms: denial.first_ms,
                last_ms: denial.last_ms,
                count: denial.count,
                protocol: denial.what.protocol,
                address: denial
                    .what
                    .address
                    .map(|a| a.to_string())
                    .unwrap_or_default(),
                port: denial.what.port.into(),
                name: denial.what.name,
                reason: denial.what.reason.to_string(),
            })
            .collect();
        Ok(wire::DenialReport { denials, since_ms })
    }

    pub fn live_record(&self, sandbox: &Sandbox) -> LiveRecord {
        let limits = *lock(&sandbox.limits);
        LiveRecord {
            boot_id: self.live.boot_id().to_owned(),
            pid: sandbox.pid,
            start_time: sandbox.start_time,
            index: sandbox.index,
            slot: sandbox.slot.to_string(),
            layers: sandbox.layers.iter().map(Id::to_string).collect(),
            volumes: lock(&sandbox.volumes)
                .iter()
                .map(|volume| volume.id.to_string())
                .collect(),
            cpu_millis: limits.cpu_millis,
            memory_bytes: limits.memory_bytes,
            pids: limits.pids,
            isolation: sandbox.isolation.into(),
            extended: sandbox.profile == Profile::Extended,
            mark: *lock(&sandbox.mark),
            holds: Some(*lock(&sandbox.holds)),
            policy: lock(&sandbox.policy).clone(),
        }
    }
}

/// A policy of the engine's, which has told its caller already what is wrong with one.
pub fn checked_policy(policy: wire::NetworkPolicy) -> Outcome<Policy> {
    let lists = [&policy.allow, &policy.deny, &policy.names];
    if lists.iter().any(|list| list.len() > MAX_ENTRIES) {
        let what = format!("policy: at most {MAX_ENTRIES} entries a list");
        return Err(Fault::invalid("policy", what));
    }
    let names = parsed(policy.names)?;
    Ok(Policy {
        rest: policy.rest,
        allow: parsed(policy.allow)?,
        deny: parsed(policy.deny)?,
        names: policy.names_listed.then_some(names),
    })
}

pub fn wire_policy(policy: &Policy) -> wire::NetworkPolicy {
    let names = policy.names.as_deref().unwrap_or_default();
    wire::NetworkPolicy {
        rest: policy.rest,
        allow: policy.allow.iter().map(ToString::to_string).collect(),
        deny: policy.deny.iter().map(ToString::to_string).collect(),
        names_listed: policy.names.is_some(),
        names: names.iter().map(ToString::to_string).collect(),
    }
}

fn parsed<T: TryFrom<String, Error = String>>(texts: Vec<String>) -> Outcome<Vec<T>> {
    let checked: Result<_, _> = texts.into_iter().map(T::try_from).collect();
    checked.map_err(|what| Fault::invalid("policy", what))
}
