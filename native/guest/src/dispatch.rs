//! One operation: from its request to its final reply.

use crate::conn::Conn;
use crate::failure::{Failure, Outcome};
use crate::guest::Guest;
use crate::process::{input, session, signals, spawn};
use crate::{configure, files, metrics, net, quiesce, shutdown, tar, watch};
use atoll_wire::guest::error::Code;
use atoll_wire::guest::{ProcessInfo, ProcessList, Request, reply::Result as Answer, request::Op};
use prost::Message;

pub fn serve(
    guest: &Guest,
    conn: &mut Conn,
    request: Result<Request, prost::DecodeError>,
) -> Outcome {
    let request =
        request.map_err(|e| Failure::invalid("op", format!("op: cannot be decoded: {e}")))?;
    let Some(op) = request.op else {
        return Err(Failure::invalid("op", "op: missing, or not known to this guest").into());
    };
    match op {
        Op::Ping(_) => {}
        Op::Configure(r) => configure::configure(guest, r)?,
        Op::Spawn(r) => return spawn::spawn(guest, conn, r),
        Op::Attach(r) => return session::attach(guest, conn, &r),
        Op::Input(r) => return input::input(guest, conn, r),
        Op::Resize(r) => signals::resize(guest, &r)?,
        Op::Signal(r) => signals::signal(guest, &r)?,
        Op::Wait(r) => return session::wait(guest, conn, &r),
        Op::ListProcesses(r) => {
            let processes = list(guest, r.include_ended);
            return Ok(conn.reply(Answer::Processes(ProcessList { processes }))?);
        }
        Op::ForgetProcess(r) => {
            let process = guest.process(&r.id)?;
            if !guest.processes.forget(&process) {
                let message = format!("process {} is running", r.id);
                return Err(Failure::new(Code::Busy, message).into());
            }
        }
        Op::Stat(r) => return files::stat::stat(guest, conn, &r),
        Op::Read(r) => return files::read::read(guest, conn, &r),
        Op::Write(r) => return files::write::write(guest, conn, &r),
        Op::ListDir(r) => return files::list::list_dir(guest, conn, &r),
        Op::Mkdir(r) => files::tree::mkdir(guest, &r)?,
        Op::Remove(r) => files::tree::remove(guest, &r)?,
        Op::Rename(r) => files::tree::rename(guest, &r)?,
        Op::Copy(r) => files::copy::copy(guest, &r)?,
        Op::Chmod(r) => files::attributes::chmod(guest, &r)?,
        Op::Chown(r) => files::attributes::chown(guest, &r)?,
        Op::Symlink(r) => files::tree::symlink(guest, &r)?,
        Op::Search(r) => return files::search::search(guest, conn, &r),
        Op::Glob(r) => return files::glob::glob(guest, conn, &r),
        Op::Replace(r) => return files::replace::replace(guest, conn, &r),
        Op::Watch(r) => return watch::watch(guest, conn, &r),
        Op::Archive(r) => return tar::archive::archive(guest, conn, &r),
        Op::Extract(r) => return tar::extract::extract(guest, conn, &r),
        Op::Dial(r) => return net::dial::dial(guest, conn, &r),
        Op::Ports(_) => return net::ports::ports(conn),
        Op::Metrics(_) => return metrics::metrics(guest, conn),
        Op::Shutdown(r) => shutdown::shutdown(guest, &r),
        Op::Quiesce(r) => quiesce::quiesce(guest, &r)?,
    }
    conn.ok()?;
    Ok(())
}

/// Bytes of a list beyond which entries come without command line and directory, so that the reply
/// stays within the bound of a message (4 MiB; a bare entry has about 200 bytes).
const FULL_LIST: usize = 2 << 20;

fn list(guest: &Guest, include_ended: bool) -> Vec<ProcessInfo> {
    let mut bytes = 0;
    let mut list = Vec::new();
    for process in guest.processes.all() {
        let mut info = process.info();
        if info.exited.is_some() && !include_ended {
            continue;
        }
        bytes += info.encoded_len();
        if bytes > FULL_LIST {
            info.argv.clear();
            info.cwd.clear();
        }
        list.push(info);
    }
    list
}
