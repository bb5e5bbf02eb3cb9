//! What a helper gives up before it reads its first packet.

use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;
use std::io;

use super::NAMESPACE;

/// "nobody": helpers own no file.
const UID: u32 = 65_534;
/// A socket a query and attempt, two a proxied connection, see the bounds of those.
const DESCRIPTORS: u64 = 16_384;

/// Leaves one thing to do: relay between its sockets and the network. `warden` is the parent, with
/// which this process ends. Its connections to the warden stay open.
pub fn drop_all(warden: i32) -> io::Result<()> {
    // SAFETY: these calls take numbers, except setrlimit and getrlimit, which get a live struct. No
    // other thread exists yet, so the raw calls (glibc's wrappers of set*id would signal the other
    // threads) change the whole process.
    unsafe {
        check(libc::close_range(NAMESPACE as u32, libc::c_uint::MAX, 0))?;
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        check(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit))?;
        limit.rlim_cur = limit.rlim_max.min(DESCRIPTORS);
        check(libc::setrlimit(libc::RLIMIT_NOFILE, &limit))?;
        check(libc::setgroups(0, std::ptr::null()))?;
        check(libc::setresgid(UID, UID, UID))?;
        // Leaving uid 0 clears the permitted, effective and ambient capabilities (capabilities(7)).
        check(libc::setresuid(UID, UID, UID))?;
        check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        check(libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0))?;
        // After the change of uid, which clears it.
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0))?;
        if libc::getppid() != warden {
            return Err(io::Error::other("the warden has ended"));
        }
    }
    confine().map_err(io::Error::other)
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// System calls besides these do not exist for the process (ENOSYS, so that the C library falls
/// back where it can: clone3 to clone, whose flags can be checked).
fn confine() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = [
        // Sockets and waiting.
        libc::SYS_accept4,
        libc::SYS_bind,
        libc::SYS_connect,
        libc::SYS_getpeername,
        libc::SYS_getsockname,
        libc::SYS_getsockopt,
        libc::SYS_setsockopt,
        libc::SYS_shutdown,
        libc::SYS_recvfrom,
        libc::SYS_sendto,
        libc::SYS_recvmsg,
        libc::SYS_sendmsg,
        libc::SYS_epoll_create1,
        libc::SYS_epoll_ctl,
        libc::SYS_epoll_pwait,
        libc::SYS_ppoll,
        libc::SYS_ioctl,
        libc::SYS_fcntl,
        // resolv.conf, standard error.
        libc::SYS_openat,
        libc::SYS_statx,
        libc::SYS_fstat,
        libc::SYS_newfstatat,
        libc::SYS_lseek,
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        // Memory, threads, time.
        libc::SYS_brk,
        libc::SYS_mmap,
        libc::SYS_mprotect,
        libc::SYS_mremap,
        libc::SYS_munmap,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_rseq,
        libc::SYS_set_robust_list,
        libc::SYS_sched_getaffinity,
        libc::SYS_sched_yield,
        libc::SYS_prctl,
        libc::SYS_gettid,
        libc::SYS_getpid,
        libc::SYS_tgkill,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_getrandom,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ]
    .into_iter()
    .map(|call| (call, Vec::new()))
    .collect();
    #[cfg(target_arch = "x86_64")]
    rules.extend([libc::SYS_epoll_wait, libc::SYS_poll, libc::SYS_open].map(|call| (call, vec![])));

    rules.insert(
        libc::SYS_socket,
        vec![
            rule(0, SeccompCmpOp::Eq, libc::AF_INET as u64)?,
            rule(0, SeccompCmpOp::Eq, libc::AF_INET6 as u64)?,
        ],
    );
    let thread = (libc::CLONE_VM | libc::CLONE_THREAD) as u64;
    rules.insert(
        libc::SYS_clone,
        vec![rule(0, SeccompCmpOp::MaskedEq(thread), thread)?],
    );
    let program: seccompiler::BpfProgram = SeccompFilter::new(
        rules,
        SeccompAction::Errno(libc::ENOSYS as u32),
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?
    .try_into()?;
    seccompiler::apply_filter(&program)?;
    Ok(())
}

fn rule(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompRule, seccompiler::BackendError> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Qword, operator, value)?;
    SeccompRule::new(vec![condition])
}
