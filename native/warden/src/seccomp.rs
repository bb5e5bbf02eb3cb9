//! The system call filters, compiled once at start.
//!
//! A deny list that answers EPERM, so that programs which probe (Node probes io_uring) fall back.
//! No new privileges stay allowed (sudo works): the filter is installed while the child still has
//! CAP_SYS_ADMIN in its user namespace. Foreign ABIs (i386, x32) are refused whole, since the
//! numbers of the list mean something else there.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, sock_filter,
};

/// What a sandbox may do with mounts and namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    Standard,
    /// Mounts and nested namespaces below the sandbox's own user namespace.
    Extended,
}

/// Kernel facilities no sandbox needs; most of them need a capability over the host anyway, and
/// the rest have a history of flaws.
const DENIED: &[libc::c_long] = &[
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_open_by_handle_at,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_lookup_dcookie,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_nfsservctl,
    libc::SYS_fanotify_init,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
];

/// Denied besides in the standard profile.
const MOUNTING: &[libc::c_long] = &[
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_open_tree,
    SYS_OPEN_TREE_ATTR,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
];

/// Linux 6.15; newer than the libc crate in use.
const SYS_OPEN_TREE_ATTR: libc::c_long = 467;

const NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u64;
/// For `unshare` only: in `clone` these bits are the exit signal.
const CLONE_NEWTIME: u64 = 0x80;

/// Terminal requests that put input into a terminal (TIOCSTI) or reach the console (TIOCLINUX).
const DENIED_IOCTLS: [u64; 2] = [0x5412, 0x541C];
const FAMILIES: [libc::c_int; 4] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
];
const SOCKET_TYPE_MASK: u64 = 0xf;

/// Compiles the filter of a profile.
pub fn compile(profile: Profile) -> Result<BpfProgram, String> {
    let error = |e: seccompiler::BackendError| e.to_string();
    let condition = |argument, operator, value| {
        SeccompCondition::new(argument, Len::Dword, operator, value).map_err(error)
    };
    let rule = |conditions| SeccompRule::new(conditions).map_err(error);
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for call in DENIED {
        rules.insert(*call, Vec::new());
    }
    if profile == Profile::Standard {
        for call in MOUNTING {
            rules.insert(*call, Vec::new());
        }
        let any_of = |argument, bits: u64| -> Result<Vec<SeccompRule>, String> {
            (0..32)
                .map(|bit| 1u64 << bit)
                .filter(|bit| bits & bit != 0)
                .map(|bit| rule(vec![condition(argument, Op::MaskedEq(bit), bit)?]))
                .collect()
        };
        rules.insert(libc::SYS_clone, any_of(0, NAMESPACES)?);
        rules.insert(libc::SYS_unshare, any_of(0, NAMESPACES | CLONE_NEWTIME)?);
    }
    // Families outside the list are not confined by a network namespace (vsock, alg) or are
    // attack surface without use.
    let foreign: Result<Vec<_>, String> = FAMILIES
        .iter()
        .map(|f| condition(0, Op::Ne, *f as u64))
        .collect();
    let raw = |family: libc::c_int| {
        rule(vec![
            condition(0, Op::Eq, family as u64)?,
            condition(1, Op::MaskedEq(SOCKET_TYPE_MASK), libc::SOCK_RAW as u64)?,
        ])
    };
    rules.insert(
        libc::SYS_socket,
        vec![rule(foreign?)?, raw(libc::AF_INET)?, raw(libc::AF_INET6)?],
    );
    let ioctls: Result<Vec<_>, String> = DENIED_IOCTLS
        .iter()
        .map(|r| rule(vec![condition(1, Op::Eq, *r)?]))
        .collect();
    rules.insert(libc::SYS_ioctl, ioctls?);

    let arch: TargetArch = std::env::consts::ARCH.try_into().map_err(error)?;
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM as u32),
        arch,
    )
    .map_err(error)?;
    let list: BpfProgram = filter.try_into().map_err(error)?;
    let mut program = preamble(profile);
    program.extend(list);
    Ok(program)
}

/// What the library has no words for: the errno of foreign ABIs, x32, and `clone3`, whose flags
/// lie in memory that a filter cannot read; ENOSYS makes libc use `clone`.
fn preamble(profile: Profile) -> BpfProgram {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    #[cfg(target_arch = "x86_64")]
    const AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    const NUMBER: u32 = 0;
    const ARCH: u32 = 4;
    #[cfg(target_arch = "x86_64")]
    const NATIVE: u32 = 0xC000_003E;
    #[cfg(target_arch = "aarch64")]
    const NATIVE: u32 = 0xC000_00B7;
    let errno = |value: i32| libc::SECCOMP_RET_ERRNO | value as u32;
    let op = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    let mut program = vec![
        op(LOAD, 0, 0, ARCH),
        op(EQUAL, 1, 0, NATIVE),
        op(RETURN, 0, 0, errno(libc::ENOSYS)),
        op(LOAD, 0, 0, NUMBER),
    ];
    #[cfg(target_arch = "x86_64")]
    program.extend([
        op(AT_LEAST, 0, 1, 0x4000_0000),
        op(RETURN, 0, 0, errno(libc::ENOSYS)),
    ]);
    if profile == Profile::Standard {
        program.extend([
            op(EQUAL, 0, 1, libc::SYS_clone3 as u32),
            op(RETURN, 0, 0, errno(libc::ENOSYS)),
        ]);
    }
    program
}

#[cfg(test)]
mod tests {
    use super::{Profile, compile};

    #[test]
    fn both_profiles_compile_within_the_kernels_bound() {
        for profile in [Profile::Standard, Profile::Extended] {
            assert!(compile(profile).unwrap().len() < libc::BPF_MAXINSNS as usize);
        }
    }
}
