//! Which devices processes of the instance may open: a program attached to the parent group in the
//! v2 hierarchy, where it needs no controller.
//!
//! A sandbox can make no device node and its root is mounted `nodev`. An extended sandbox may
//! remount its root, though, and a layer may hold nodes; this keeps them closed.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use crate::sys::check;

/// `struct bpf_insn` of linux/bpf.h.
#[repr(C)]
#[derive(Clone, Copy)]
struct Instruction {
    code: u8,
    /// Destination in the low, source in the high four bits.
    registers: u8,
    offset: i16,
    immediate: i32,
}

const BPF_PROG_LOAD: libc::c_int = 5;
const BPF_PROG_ATTACH: libc::c_int = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const BPF_CGROUP_DEVICE: u32 = 6;

const LOAD_WORD: u8 = 0x61; // BPF_LDX | BPF_MEM | BPF_W
const JUMP_NOT_EQUAL: u8 = 0x55; // BPF_JMP | BPF_JNE | BPF_K
const JUMP_EQUAL: u8 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const AND: u8 = 0x54; // BPF_ALU | BPF_AND | BPF_K
const MOVE: u8 = 0xb7; // BPF_ALU64 | BPF_MOV | BPF_K
const EXIT: u8 = 0x95; // BPF_JMP | BPF_EXIT

/// Fields of `struct bpf_cgroup_dev_ctx`.
const ACCESS_TYPE: i16 = 0;
const MAJOR: i16 = 4;
const MINOR: i16 = 8;
const DEVICE_CHARACTER: i32 = 2;

/// Character devices a sandbox uses; `None` = every minor.
const ALLOWED: [(i32, Option<i32>); 8] = [
    (1, Some(3)), // null
    (1, Some(5)), // zero
    (1, Some(7)), // full
    (1, Some(8)), // random
    (1, Some(9)), // urandom
    (5, Some(0)), // tty
    (5, Some(2)), // ptmx
    (136, None),  // pts
];

fn program() -> Vec<Instruction> {
    let op = |code, registers, offset, immediate| Instruction {
        code,
        registers,
        offset,
        immediate,
    };
    // r1 is the context; r2 the kind of device, r3 major, r4 minor.
    let load = |to: u8, field| op(LOAD_WORD, 0x10 | to, field, 0);
    let mut code = vec![
        load(2, ACCESS_TYPE),
        op(AND, 2, 0, 0xffff),
        load(3, MAJOR),
        load(4, MINOR),
        op(MOVE, 0, 0, 0),
        op(JUMP_EQUAL, 2, 1, DEVICE_CHARACTER),
        op(EXIT, 0, 0, 0),
    ];
    for (major, minor) in ALLOWED {
        match minor {
            Some(minor) => code.extend([
                op(JUMP_NOT_EQUAL, 3, 3, major),
                op(JUMP_NOT_EQUAL, 4, 2, minor),
                op(MOVE, 0, 0, 1),
                op(EXIT, 0, 0, 0),
            ]),
            None => code.extend([
                op(JUMP_NOT_EQUAL, 3, 2, major),
                op(MOVE, 0, 0, 1),
                op(EXIT, 0, 0, 0),
            ]),
        }
    }
    code.push(op(EXIT, 0, 0, 0));
    code
}

/// Attaches the rules to a group, in the place of those that an earlier warden attached.
pub fn confine(group: &Path) -> io::Result<()> {
    let program = load(&program())?;
    let group = File::open(group)?;
    #[repr(C)]
    struct Attach {
        target: u32,
        program: u32,
        kind: u32,
        flags: u32,
    }
    let attach = Attach {
        target: group.as_raw_fd() as u32,
        program: program.as_raw_fd() as u32,
        kind: BPF_CGROUP_DEVICE,
        flags: 0,
    };
    // SAFETY: the structure is the beginning of `union bpf_attr` for this command.
    check(unsafe { libc::syscall(libc::SYS_bpf, BPF_PROG_ATTACH, &attach, size_of::<Attach>()) })?;
    Ok(())
}

fn load(code: &[Instruction]) -> io::Result<OwnedFd> {
    #[repr(C)]
    struct Load {
        kind: u32,
        count: u32,
        instructions: u64,
        license: u64,
        log: [u64; 2],
        version: u32,
        flags: u32,
    }
    let load = Load {
        kind: BPF_PROG_TYPE_CGROUP_DEVICE,
        count: code.len() as u32,
        instructions: code.as_ptr() as u64,
        license: c"Apache-2.0".as_ptr() as u64,
        log: [0; 2],
        version: 0,
        flags: 0,
    };
    // SAFETY: the structure is the beginning of `union bpf_attr` for this command and its pointers
    // are valid.
    let fd =
        check(unsafe { libc::syscall(libc::SYS_bpf, BPF_PROG_LOAD, &load, size_of::<Load>()) })?;
    // SAFETY: just made for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}
