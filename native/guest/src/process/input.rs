//! Input of processes: by offset, so that a retry does not write twice.

use super::{Process, State, StdinTarget};
use crate::conn::Conn;
use crate::failure::{Failure, Outcome};
use crate::guest::Guest;
use crate::wait::{Woken, wait_for};
use atoll_wire::guest::error::Code;
use atoll_wire::guest::{Input, InputAccepted, reply::Result as Answer};
use std::sync::Arc;

/// Most input that waits for a process to read it, bytes.
pub const QUEUE: usize = 256 << 10;

/// Takes over as much of `data` as the queue has room for; the number of bytes taken.
pub fn offer(guest: &Guest, process: &Process, state: &mut State, data: &[u8]) -> usize {
    let n = data
        .len()
        .min(QUEUE.saturating_sub(state.stdin.queue.len()));
    if n > 0 {
        state.stdin.queue.extend(data.get(..n).unwrap_or_default());
        state.stdin.accepted += n as u64;
        guest.reactor.flush_input(process, state);
    }
    n
}

/// No more input will come: closes stdin behind what is queued.
pub fn end(guest: &Guest, process: &Process, state: &mut State) {
    if !matches!(state.stdin.target, StdinTarget::Closed) {
        state.stdin.ending = true;
        guest.reactor.flush_input(process, state);
    }
}

/// Serves Input: answers when everything was taken over.
pub fn input(guest: &Guest, conn: &mut Conn, request: Input) -> Outcome {
    let process = guest.process(&request.id)?;
    let waker = Arc::new(guest.waker()?);
    let mut rest = Vec::new();
    {
        let mut state = process.state();
        let accepted = state.stdin.accepted;
        let start = if request.offset == u64::MAX {
            accepted
        } else {
            request.offset
        };
        if start > accepted {
            return Err(Failure {
                code: Code::StaleOffset,
                errno: 0,
                message: format!(
                    "offset: {start} leaves a gap, {accepted} bytes were accepted so far"
                ),
                field: "offset",
            }
            .into());
        }
        let known = usize::try_from(accepted - start).unwrap_or(usize::MAX);
        rest.extend_from_slice(request.data.get(known..).unwrap_or_default());
        state.subscribe(&waker);
    }
    let result = hand_over(guest, conn, &process, &waker, &rest, request.eof);
    process.state().unsubscribe(&waker);
    let offset = result?;
    conn.reply(Answer::InputAccepted(InputAccepted { offset }))?;
    Ok(())
}

fn hand_over(
    guest: &Guest,
    conn: &mut Conn,
    process: &Process,
    waker: &Arc<crate::sys::Waker>,
    mut rest: &[u8],
    eof: bool,
) -> Outcome<u64> {
    loop {
        waker.clear();
        {
            let mut state = process.state();
            if !state.stdin_open() {
                if rest.is_empty() {
                    return Ok(state.stdin.accepted);
                }
                return Err(Failure {
                    code: Code::Io,
                    errno: libc::EPIPE,
                    message: format!("stdin of process {} is closed", process.id),
                    field: "",
                }
                .into());
            }
            let taken = offer(guest, process, &mut state, rest);
            rest = rest.get(taken..).unwrap_or_default();
            if rest.is_empty() {
                if eof {
                    end(guest, process, &mut state);
                }
                return Ok(state.stdin.accepted);
            }
        }
        if let Woken::Closed = wait_for(conn, waker, None)? {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
    }
}
