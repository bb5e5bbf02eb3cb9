//! `clone3` that shares the memory until the child executes something.
//!
//! A plain fork of the warden copies the page tables of a program with many threads, takes them down
//! again at exec, and leaves every page of every thread write-protected: each thread pays a fault and
//! a flush of both processors' translations at its next write. Of a burst of slots that was a sixth of
//! all processor time. Sharing the memory costs nothing of this.

use std::ffi::c_void;
use std::io;
use std::mem::MaybeUninit;

/// What the child runs. It must not return, unwind, allocate or take a lock.
pub type Entry = unsafe extern "C" fn(*const c_void) -> !;

/// Enough for system calls; nothing of the child's is deep.
const STACK_BYTES: usize = 64 << 10;

#[repr(C, align(16))]
struct Stack([MaybeUninit<u8>; STACK_BYTES]);

/// Clones with `CLONE_VM` and `CLONE_VFORK` added to the flags: the calling thread stands still in
/// the kernel until the child executes a program or ends. Until then the child uses the memory and
/// the thread-local data (errno) of the caller, on a stack of its own. Other threads run on.
///
/// # Safety
/// `entry` and all it does keep to what [`Entry`] says, and write to no memory but their stack,
/// errno and what `argument` is meant for.
pub unsafe fn clone3(
    mut args: libc::clone_args,
    entry: Entry,
    argument: *const c_void,
) -> io::Result<i32> {
    let mut stack = MaybeUninit::<Stack>::uninit();
    args.flags |= (libc::CLONE_VM | libc::CLONE_VFORK) as u64;
    args.stack = stack.as_mut_ptr() as u64;
    args.stack_size = STACK_BYTES as u64;
    // SAFETY: the child never runs code of this frame; the rest is the contract of this function.
    let result = unsafe { enter(&args, entry, argument) };
    if result < 0 {
        return Err(io::Error::from_raw_os_error(-result as i32));
    }
    Ok(result as i32)
}

/// The system call; the child goes to `entry` at once, since its stack holds no frame to return to.
#[cfg(target_arch = "x86_64")]
unsafe fn enter(args: &libc::clone_args, entry: Entry, argument: *const c_void) -> libc::c_long {
    let result: libc::c_long;
    // SAFETY: the kernel keeps all registers but rax, rcx and r11, in the child too.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r13",
            "call r12",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone3 => result,
            in("rdi") args,
            in("rsi") size_of::<libc::clone_args>(),
            in("r12") entry,
            in("r13") argument,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    result
}

#[cfg(target_arch = "aarch64")]
unsafe fn enter(args: &libc::clone_args, entry: Entry, argument: *const c_void) -> libc::c_long {
    let result: libc::c_long;
    // SAFETY: the kernel keeps all registers but x0, in the child too.
    unsafe {
        std::arch::asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x21",
            "blr x20",
            "brk #1",
            "2:",
            inlateout("x0") args => result,
            in("x1") size_of::<libc::clone_args>(),
            in("x8") libc::SYS_clone3,
            in("x20") entry,
            in("x21") argument,
            lateout("x30") _,
        );
    }
    result
}
