//! A connection that looks on a process: output from given offsets, live until the end; input,
//! resizes and signals in the other direction.
//!
//! Both directions are served by one thread without blocking on either, so that a reader that
//! stalls does not keep input or signals from the process.

use super::{Process, input, signals};
use crate::conn::{Arrived, Conn, encode};
use crate::failure::{Failure, Outcome, Stop};
use crate::guest::Guest;
use crate::spool::{Cursor, Piece};
use crate::sys::Waker;
use crate::wait::{Woken, left, wait_for};
use atoll_wire::frame::{self, HEADER, Kind};
use atoll_wire::guest::error::Code;
use atoll_wire::guest::{
    Attach, Ok as Done, OutputGap, ProcessStarted, Request, Wait, reply::Result as Answer,
    request::Op,
};
use prost::Message;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::AsFd;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Output sent in one frame, bytes. As much is gathered of small frames before they are sent.
const FRAME: usize = 64 << 10;
/// What a process does in this time after its start, its end above all, is told together with the
/// start: one message for a short command, and one wake-up of the engine.
const COMPANY: Duration = Duration::from_millis(1);

/// How to look on.
#[derive(Clone, Copy, Debug, Default)]
pub struct View {
    pub offsets: [u64; 2],
    pub skip: [bool; 2],
    pub stop_at_end: bool,
    pub required_reader: bool,
    pub kill_on_detach: bool,
}

pub fn started(process: &Process, existed: bool) -> Answer {
    Answer::Started(ProcessStarted {
        pid: process.pid,
        started_at_ms: process.started_at_ms,
        existed,
        id: process.id.clone(),
    })
}

pub fn attach(guest: &Guest, conn: &mut Conn, request: &Attach) -> Outcome {
    let process = guest.process(&request.id)?;
    let view = View {
        offsets: [request.stdout_offset, request.stderr_offset],
        skip: [request.skip_stdout, request.skip_stderr],
        stop_at_end: request.stop_at_end,
        required_reader: request.required_reader,
        kill_on_detach: request.kill_on_detach,
    };
    follow(guest, conn, &process, view, started(&process, true), false)
}

/// Serves a view until its final reply. `first` is sent in front of everything; `patient` lets it
/// wait a moment for what follows.
pub fn follow(
    guest: &Guest,
    conn: &mut Conn,
    process: &Arc<Process>,
    view: View,
    first: Answer,
    patient: bool,
) -> Outcome {
    let waker = Arc::new(guest.waker()?);
    let (cursor, required, limit, running) = {
        let mut state = process.state();
        let cursor = state
            .spool
            .cursor(view.offsets, view.skip)
            .map_err(|stream| Failure {
                code: Code::StaleOffset,
                errno: 0,
                message: format!(
                    "offset {} is beyond the {} bytes written so far",
                    view.offsets[stream & 1],
                    state.spool.total(stream)
                ),
                field: if stream == 0 {
                    "stdout_offset"
                } else {
                    "stderr_offset"
                },
            })?;
        state.subscribe(&waker);
        let required = view.required_reader || process.required_reader;
        let required = required.then(|| state.require(&cursor));
        // A late look at an ended process, or a glance: what there is now and no more.
        let bounded = state.exit.is_some() || view.stop_at_end;
        let running = state.exit.is_none();
        let limit = bounded.then(|| state.spool.head());
        (cursor, required, limit, running)
    };
    let mut session = Session {
        guest,
        process,
        waker,
        cursor,
        required,
        limit,
        glance: view.stop_at_end,
        out: encode(first),
        sent: 0,
        unwritten: Vec::new(),
        end_of_input: false,
    };
    let company = match patient && running {
        true => session.await_company(conn),
        false => Ok(()),
    };
    let result = company.map_err(Stop::from).and_then(|()| session.run(conn));
    session.detach();
    if let (Err(_), true) = (&result, view.kill_on_detach) {
        let mut state = process.state();
        if state.exit.is_none() {
            signals::kill_everything(process, &mut state);
        }
    }
    result
}

struct Session<'a> {
    guest: &'a Guest,
    process: &'a Arc<Process>,
    waker: Arc<Waker>,
    cursor: Cursor,
    /// Key of this reader when nothing may be dropped before it.
    required: Option<u64>,
    /// Ring position at which this view ends; None = at the process' end.
    limit: Option<u64>,
    glance: bool,
    /// Frames on their way to the engine, of which `sent` bytes are gone.
    out: Vec<u8>,
    sent: usize,
    /// Input that did not fit the process' queue yet.
    unwritten: Vec<u8>,
    end_of_input: bool,
}

impl Session<'_> {
    fn run(&mut self, conn: &mut Conn) -> Outcome {
        let mut last = false;
        loop {
            self.waker.clear();
            let before = self.cursor.position();
            while !last && self.sent == 0 && self.out.len() < FRAME {
                match self.fill() {
                    Filled::Something => {}
                    Filled::Nothing => {
                        // What a reader of one stream skips of the other holds nobody.
                        if self.cursor.position() != before {
                            self.consumed();
                        }
                        break;
                    }
                    Filled::Last => last = true,
                }
            }
            if !self.out.is_empty() {
                self.sent += conn.try_send(self.out.get(self.sent..).unwrap_or_default())?;
                if self.sent >= self.out.len() {
                    self.sent = 0;
                    self.out.clear();
                    if last {
                        return Ok(());
                    }
                    self.consumed();
                    continue;
                }
            }
            self.push_input();
            if conn.has_buffered() {
                self.take_input(conn)?;
            }
            self.wait(conn)?;
            self.take_input(conn)?;
        }
    }

    /// What was filled into `out` has left: a required reader's mark moves.
    fn consumed(&mut self) {
        if let Some(key) = self.required {
            let mut state = self.process.state();
            state.advance(key, self.cursor.position());
            self.guest.reactor.resume(self.process, &mut state);
        }
    }

    /// Waits for the end of the process, but not longer than [`COMPANY`].
    fn await_company(&self, conn: &Conn) -> io::Result<()> {
        let until = Instant::now() + COMPANY;
        loop {
            match wait_for(conn, &self.waker, Some(until))? {
                Woken::Event => self.waker.clear(),
                Woken::Timeout => return Ok(()),
                Woken::Closed => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
            if self.process.state().exit.is_some() {
                return Ok(());
            }
        }
    }

    /// Appends the next frame to `out`.
    fn fill(&mut self) -> Filled {
        let state = self.process.state();
        let end = match (self.limit, &state.exit) {
            (Some(limit), _) => limit,
            (None, Some(exit)) => exit.position,
            (None, None) => state.spool.head(),
        };
        let out = &mut self.out;
        let start = out.len();
        out.extend_from_slice(&[0; HEADER]);
        let most = start + HEADER + FRAME;
        let piece = state.spool.next(&mut self.cursor, end, most, out);
        match piece {
            Piece::Data(stream) => {
                let kind = if stream == 0 { Kind::Data } else { Kind::Err };
                let header = frame::header(kind, out.len() - start - HEADER);
                if let Some(front) = out.get_mut(start..start + HEADER) {
                    front.copy_from_slice(&header);
                }
                Filled::Something
            }
            Piece::Gap { stream, from, to } => {
                let stream = stream as u32 + 1;
                out.truncate(start);
                out.extend(encode(Answer::Gap(OutputGap { stream, from, to })));
                Filled::Something
            }
            Piece::End => {
                out.truncate(start);
                let report = match (&state.exit, self.limit) {
                    (Some(exit), None) => Some(exit.report),
                    (Some(_), Some(_)) => state.report_now(),
                    (None, _) if self.glance => None,
                    (None, _) => return Filled::Nothing,
                };
                let answer = report.map_or(Answer::Ok(Done {}), Answer::Exited);
                out.extend(encode(answer));
                Filled::Last
            }
        }
    }

    /// Hands on input that waits; stops reading from the engine while some is left.
    fn push_input(&mut self) {
        if self.unwritten.is_empty() && !self.end_of_input {
            return;
        }
        let mut state = self.process.state();
        if !state.stdin_open() {
            self.unwritten = Vec::new();
            self.end_of_input = false;
            return;
        }
        let taken = input::offer(self.guest, self.process, &mut state, &self.unwritten);
        self.unwritten.drain(..taken);
        if self.unwritten.is_empty() {
            self.unwritten = Vec::new();
            if std::mem::take(&mut self.end_of_input) {
                input::end(self.guest, self.process, &mut state);
            }
        }
    }

    fn wait(&mut self, conn: &Conn) -> io::Result<()> {
        let mut interest = PollFlags::RDHUP;
        if self.unwritten.is_empty() {
            interest |= PollFlags::IN;
        }
        if !self.out.is_empty() {
            interest |= PollFlags::OUT;
        }
        let mut fds = [
            PollFd::from_borrowed_fd(self.waker.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(conn.as_fd(), interest),
        ];
        rustix::io::retry_on_intr(|| poll(&mut fds, left(None).as_ref()))?;
        let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        if fds[1].revents().intersects(gone) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn take_input(&mut self, conn: &mut Conn) -> Outcome {
        while self.unwritten.is_empty() && !self.end_of_input {
            match conn.try_frame()? {
                Arrived::Nothing => return Ok(()),
                Arrived::Closed => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                Arrived::Frame(Kind::Data, payload) => self.unwritten = payload,
                Arrived::Frame(Kind::End, _) => self.end_of_input = true,
                Arrived::Frame(Kind::Msg, payload) => self.control(&payload)?,
                Arrived::Frame(kind @ (Kind::Err | Kind::Filled | Kind::Taken), _) => {
                    return Err(out_of_place(&format!("a frame of kind {kind:?}")));
                }
            }
            self.push_input();
        }
        Ok(())
    }

    /// Resize and signal have no reply here; one that fails (the process just ended) is past.
    fn control(&self, payload: &[u8]) -> Outcome {
        let result = match Request::decode(payload).ok().and_then(|r| r.op) {
            Some(Op::Resize(r)) if r.id == self.process.id => signals::resize(self.guest, &r),
            Some(Op::Signal(s)) if s.id == self.process.id => signals::signal(self.guest, &s),
            _ => {
                return Err(out_of_place(
                    "a request other than resize or signal of this process",
                ));
            }
        };
        match result {
            Err(Stop::Gone(e)) => Err(Stop::Gone(e)),
            Ok(()) | Err(Stop::Failed(_)) => Ok(()),
        }
    }

    fn detach(&mut self) {
        let mut state = self.process.state();
        state.unsubscribe(&self.waker);
        if let Some(key) = self.required.take() {
            state.release(key);
            self.guest.reactor.resume(self.process, &mut state);
        }
    }
}

enum Filled {
    Something,
    Nothing,
    Last,
}

fn out_of_place(what: &str) -> Stop {
    Stop::Gone(io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{what} in an attached session"),
    ))
}

/// Serves Wait: the end, or ok when the time is over. `timeout_ms` 0 asks without waiting.
pub fn wait(guest: &Guest, conn: &mut Conn, request: &Wait) -> Outcome {
    let process = guest.process(&request.id)?;
    let waker = Arc::new(guest.waker()?);
    process.state().subscribe(&waker);
    let until = Instant::now().checked_add(Duration::from_millis(request.timeout_ms));
    let result = loop {
        waker.clear();
        let report = process.state().exit.as_ref().map(|e| e.report);
        if let Some(report) = report {
            break Ok(Answer::Exited(report));
        }
        match wait_for(conn, &waker, until) {
            Ok(Woken::Event) => {}
            Ok(Woken::Timeout) => break Ok(Answer::Ok(Done {})),
            Ok(Woken::Closed) => break Err(io::ErrorKind::UnexpectedEof.into()),
            Err(e) => break Err(e),
        }
    };
    process.state().unsubscribe(&waker);
    conn.reply(result?)?;
    Ok(())
}
