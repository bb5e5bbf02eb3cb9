//! The socket: one thread a connection, one request at a time on it.

use std::io::{self, BufReader};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use atoll_wire::frame::{Kind, MAX_MSG_WARDEN, read_frame, write_msg};
use atoll_wire::warden::{
    Done, Everything, InfoReport, Layer, LiveSandbox, Request, Response, SlotReady, failure::Code,
    request::Op, response::Result as Reply,
};
use prost::Message;

use crate::control::wire_policy;
use crate::fault::{During, Fault, Outcome};
use crate::ids::Id;
use crate::lock::lock;
use crate::pool::disks::Family;
use crate::snapshots::Kept;
use crate::sys;
use crate::warden::Warden;

/// Connections beyond this are closed at once; the engine keeps a few dozen.
const MAX_CONNECTIONS: usize = 256;
const PROTOCOL: u32 = 2;

/// Serves until the listener fails.
pub fn serve(warden: &Arc<Warden>, listener: &UnixListener) -> io::Result<()> {
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(e) if e.raw_os_error() == Some(libc::EMFILE) => {
                std::thread::sleep(std::time::Duration::from_millis(50));
                continue;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) if e.raw_os_error() == Some(libc::ECONNABORTED) => continue,
            Err(e) => return Err(e),
        };
        let uid = match sys::peer(stream.as_fd()) {
            Ok(peer) => peer.uid,
            Err(_) => continue,
        };
        if uid != 0 && uid != warden.config.engine_uid {
            eprintln!("warden: user {uid} was turned away");
            continue;
        }
        if open.fetch_add(1, Ordering::AcqRel) >= MAX_CONNECTIONS {
            open.fetch_sub(1, Ordering::AcqRel);
            continue;
        }
        let (warden, counted) = (warden.clone(), open.clone());
        let spawned = std::thread::Builder::new()
            .name("connection".to_owned())
            .spawn(move || {
                if let Err(error) = converse(&warden, stream)
                    && error.kind() != io::ErrorKind::BrokenPipe
                    && error.kind() != io::ErrorKind::ConnectionReset
                {
                    eprintln!("warden: connection: {error}");
                }
                counted.fetch_sub(1, Ordering::AcqRel);
            });
        if spawned.is_err() {
            open.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

fn converse(warden: &Warden, stream: UnixStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    let mut buffer = Vec::new();
    while let Some(kind) = read_frame(&mut reader, MAX_MSG_WARDEN, &mut buffer)? {
        if kind != Kind::Msg {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "only MSG frames are expected",
            ));
        }
        let request = Request::decode(buffer.as_slice())
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
        if let Some(Op::Subscribe(_)) = request.op {
            return stream_events(warden, &mut writer);
        }
        if let Some(Op::ReadImage(request)) = &request.op {
            if let Err(fault) = warden.read_image(request, &mut writer)? {
                respond(&mut writer, Reply::Failure(fault.into_wire()))?;
            }
            continue;
        }
        if let Some(Op::WriteImage(request)) = &request.op {
            if let Err(fault) = warden.write_image(request, &mut reader, &mut writer)? {
                respond(&mut writer, Reply::Failure(fault.into_wire()))?;
            }
            continue;
        }
        let reply = match request.op {
            Some(op) => answer(warden, op),
            None => Err(Fault::invalid(
                "op",
                "the request holds no operation of this version",
            )),
        };
        let result = reply.unwrap_or_else(|fault| Reply::Failure(fault.into_wire()));
        respond(&mut writer, result)?;
        // A large request must not keep its memory for the life of the connection.
        buffer.shrink_to(64 << 10);
    }
    Ok(())
}

pub fn respond(writer: &mut UnixStream, result: Reply) -> io::Result<()> {
    let mut response = Response {
        result: Some(result),
    };
    if response.encoded_len() > MAX_MSG_WARDEN {
        let fault = Fault::new(
            Code::Unsupported,
            "the answer is over the bound of a message",
        );
        response = Response {
            result: Some(Reply::Failure(fault.into_wire())),
        };
    }
    write_msg(writer, &response)
}

/// Sends events until the peer is gone or too far behind; the answer tells that none is missed from
/// now on.
fn stream_events(warden: &Warden, writer: &mut UnixStream) -> io::Result<()> {
    let events = warden.events.subscribe();
    respond(writer, Reply::Done(Done {}))?;
    for event in events {
        write_msg(writer, &event)?;
    }
    Ok(())
}

fn answer(warden: &Warden, op: Op) -> Outcome<Reply> {
    let done = |()| Reply::Done(Done {});
    Ok(match op {
        Op::Info(_) => Reply::Info(info(warden)?),
        Op::List(_) => Reply::Everything(everything(warden)?),
        Op::Subscribe(_) => Reply::Done(Done {}),
        Op::PrepareSlot(r) => Reply::Slot(warden.prepare_slot(&r)?),
        Op::DropSlot(r) => done(warden.drop_slot(Id::of("slot", &r.slot)?)?),
        Op::Claim(r) => Reply::Claimed(warden.claim(&r)?),
        Op::Settle(r) => done(warden.settle(Id::of("sandbox", &r.sandbox)?)?),
        Op::Kill(r) => Reply::Killed(warden.kill(Id::of("sandbox", &r.sandbox)?)?),
        Op::Freeze(r) => done(warden.freeze(Id::of("sandbox", &r.sandbox)?)?),
        Op::Thaw(r) => done(warden.thaw(Id::of("sandbox", &r.sandbox)?)?),
        Op::SetLimits(r) => done(warden.set_limits(Id::of("sandbox", &r.sandbox)?, r.limits)?),
        Op::SetNetwork(r) => {
            done(warden.set_network(Id::of("sandbox", &r.sandbox)?, r.enabled, r.policy)?)
        }
        Op::Denials(r) => Reply::Denials(warden.denials(Id::of("sandbox", &r.sandbox)?)?),
        Op::Snapshot(r) => Reply::Snapshot(warden.snapshot(
            Id::of("sandbox", &r.sandbox)?,
            Id::of("snapshot", &r.snapshot)?,
            match r.temporary {
                true => Kept::ForOneFork,
                false => Kept::Durable,
            },
        )?),
        Op::DeleteSnapshot(r) => done(warden.delete_snapshot(Id::of("snapshot", &r.snapshot)?)?),
        Op::DeleteDisk(r) => done(warden.delete_disk(Id::of("sandbox", &r.sandbox)?)?),
        Op::MakeLayer(r) => Reply::Layer(warden.make_layer(&r)?),
        Op::DeleteLayer(r) => done(warden.delete_layer(Id::of("layer", &r.layer)?)?),
        Op::ResizeDisk(r) => done(warden.resize_disk(Id::of("sandbox", &r.sandbox)?, r.bytes)?),
        Op::Hibernate(r) => Reply::MemorySaved(warden.hibernate(Id::of("sandbox", &r.sandbox)?)?),
        Op::SnapshotMemory(r) => Reply::MemorySaved(warden.snapshot_memory(
            Id::of("sandbox", &r.sandbox)?,
            Id::of("snapshot", &r.snapshot)?,
        )?),
        Op::DeleteMemory(r) => done(warden.delete_memory(Id::of("id", &r.id)?)?),
        Op::ReadImage(_) | Op::WriteImage(_) | Op::ImagePart(_) | Op::ImageEnd(_) => {
            return Err(Fault::invalid(
                "op",
                "no image is being written on this connection",
            ));
        }
        Op::CreateVolume(r) => {
            Reply::Volume(warden.create_volume(Id::of("volume", &r.volume)?, r.bytes)?)
        }
        Op::DeleteVolume(r) => done(warden.delete_volume(Id::of("volume", &r.volume)?)?),
        Op::Usage(r) => Reply::Usage(warden.usage(&r.sandboxes)?),
        Op::Df(_) => Reply::Df(warden.df()?),
        Op::Audit(r) => Reply::Audit(warden.audit(&r)?),
        Op::Doctor(_) => Reply::Doctor(crate::doctor::report(warden)),
    })
}

fn layers(warden: &Warden) -> Outcome<Vec<Layer>> {
    let ids = warden.pool.layers().during("layers")?;
    Ok(ids
        .into_iter()
        .filter_map(|id| {
            let record = warden.pool.layer_record(id).ok()?;
            Some(Layer {
                id: id.to_string(),
                bytes: warden.pool.layer_bytes(id),
                name: record.name,
                config_json: record.config.to_string(),
            })
        })
        .collect())
}

fn info(warden: &Warden) -> Outcome<InfoReport> {
    Ok(InfoReport {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: PROTOCOL,
        instance: warden.config.instance.clone(),
        max_slots: warden.config.max_slots,
        gateway: warden.network.gateway().to_string(),
        cgroup_mode: warden.cgroups.mode.name().to_owned(),
        pool_kind: warden.pool.kind.name().to_owned(),
        layers: layers(warden)?,
        classes: crate::gvisor::classes(warden),
    })
}

fn everything(warden: &Warden) -> Outcome<Everything> {
    let (live, slots) = {
        let state = lock(&warden.state);
        let live: Vec<LiveSandbox> = state
            .sandboxes
            .values()
            .map(|sandbox| LiveSandbox {
                id: sandbox.id.to_string(),
                slot: sandbox.slot.to_string(),
                pid: sandbox.pid,
                start_time: sandbox.start_time,
                frozen: sandbox.is_paused(),
                address: warden.address(sandbox.index),
                index: sandbox.index,
                isolation: sandbox.isolation.into(),
                held: lock(&sandbox.holds).pool,
                policy: lock(&sandbox.policy).as_ref().map(wire_policy),
            })
            .collect();
        let slots: Vec<SlotReady> = state
            .slots
            .values()
            .map(|slot| SlotReady {
                slot: slot.id.to_string(),
                index: slot.index,
                address: warden.address(slot.index),
            })
            .collect();
        (live, slots)
    };
    Ok(Everything {
        live,
        disks: warden.pool.list(Family::Disk).during("disks")?,
        snapshots: warden.pool.list(Family::Snapshot).during("snapshots")?,
        volumes: warden.pool.list(Family::Volume).during("volumes")?,
        layers: layers(warden)?,
        slots,
        memories: crate::gvisor::memory::list(&warden.pool, &warden.key).during("memory")?,
    })
}
