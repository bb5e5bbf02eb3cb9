//! What a sandbox sees and may do, looked at from inside and from outside.

mod common;

use std::fs;

use atoll_wire::warden::{self as wire, claim::Profile, request::Op};
use common::{Inmate, Rig};

const CAPABILITIES: &str = "00000000a00405fb";
const WITH_SYS_ADMIN: &str = "00000000a02405fb";

fn field(inmate: &mut Inmate, name: &str) -> String {
    let status = inmate.ok(&["read", "/proc/self/status"]);
    let line = status
        .lines()
        .find(|l| l.starts_with(&format!("{name}:")))
        .unwrap();
    line.split_once(':').unwrap().1.trim().to_owned()
}

#[test]
fn capabilities_and_filter_are_those_of_the_profile() {
    let rig = Rig::new();
    let mut standard = rig.sandbox();
    for set in ["CapPrm", "CapEff", "CapBnd"] {
        assert_eq!(field(&mut standard, set), CAPABILITIES, "{set}");
    }
    for set in ["CapInh", "CapAmb"] {
        assert_eq!(field(&mut standard, set), "0000000000000000", "{set}");
    }
    assert_eq!(field(&mut standard, "Seccomp"), "2");
    assert_eq!(field(&mut standard, "NoNewPrivs"), "0");
    let mut extended = rig.sandbox_with(|claim| claim.set_profile(Profile::Extended));
    assert_eq!(field(&mut extended, "CapBnd"), WITH_SYS_ADMIN);
    let unshare = libc::SYS_unshare.to_string();
    let namespaces = (libc::CLONE_NEWUSER | libc::CLONE_NEWNS).to_string();
    extended.ok(&["call", &unshare, &namespaces]);
    assert_eq!(
        standard.errno(&["call", &unshare, &namespaces]),
        libc::EPERM
    );
}

#[test]
fn calls_that_reach_the_host_are_refused() {
    let rig = Rig::new();
    let mut inmate = rig.sandbox();
    let refused: &[(libc::c_long, &[i64])] = &[
        (libc::SYS_io_uring_setup, &[8]),
        (libc::SYS_bpf, &[0]),
        (libc::SYS_perf_event_open, &[0]),
        (libc::SYS_userfaultfd, &[0]),
        (libc::SYS_keyctl, &[0]),
        (libc::SYS_add_key, &[0]),
        (libc::SYS_kexec_load, &[0]),
        (libc::SYS_init_module, &[0]),
        (libc::SYS_open_by_handle_at, &[0]),
        (libc::SYS_mount, &[0]),
        (libc::SYS_umount2, &[0]),
        (libc::SYS_pivot_root, &[0]),
        (libc::SYS_fsopen, &[0]),
        (libc::SYS_open_tree, &[0]),
        (libc::SYS_move_mount, &[0]),
        (libc::SYS_mount_setattr, &[0]),
        (libc::SYS_setns, &[0]),
        (libc::SYS_unshare, &[libc::CLONE_NEWUSER as i64]),
        (libc::SYS_unshare, &[libc::CLONE_NEWNS as i64]),
        (
            libc::SYS_clone,
            &[libc::CLONE_NEWUSER as i64 | libc::SIGCHLD as i64],
        ),
        (
            libc::SYS_clone,
            &[libc::CLONE_NEWNET as i64 | libc::SIGCHLD as i64],
        ),
        (
            libc::SYS_socket,
            &[libc::AF_PACKET as i64, libc::SOCK_RAW as i64],
        ),
        (
            libc::SYS_socket,
            &[libc::AF_PACKET as i64, libc::SOCK_DGRAM as i64],
        ),
        (
            libc::SYS_socket,
            &[libc::AF_INET as i64, libc::SOCK_RAW as i64, 1],
        ),
        (
            libc::SYS_socket,
            &[libc::AF_INET6 as i64, libc::SOCK_RAW as i64, 58],
        ),
        (
            libc::SYS_socket,
            &[libc::AF_VSOCK as i64, libc::SOCK_STREAM as i64],
        ),
        (
            libc::SYS_socket,
            &[libc::AF_ALG as i64, libc::SOCK_SEQPACKET as i64],
        ),
        (libc::SYS_ioctl, &[0, 0x5412]),
        (libc::SYS_reboot, &[0]),
        (libc::SYS_swapoff, &[0]),
        (libc::SYS_settimeofday, &[0]),
        (libc::SYS_process_vm_readv, &[1]),
    ];
    for (number, arguments) in refused {
        let mut words = vec!["call".to_owned(), number.to_string()];
        words.extend(arguments.iter().map(i64::to_string));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(
            inmate.errno(&words),
            libc::EPERM,
            "call {number} {arguments:?}"
        );
    }
    assert_eq!(
        inmate.errno(&["call", &libc::SYS_clone3.to_string()]),
        libc::ENOSYS
    );
    // The x32 number of getpid.
    assert_eq!(
        inmate.errno(&["call", &(0x4000_0000 + libc::SYS_getpid).to_string()]),
        libc::ENOSYS
    );
    assert_eq!(inmate.errno(&["mknod", "/data/device"]), libc::EPERM);
    for allowed in [
        (libc::AF_INET, libc::SOCK_DGRAM, 1), // ping without a capability
        (libc::AF_NETLINK, libc::SOCK_RAW, 0),
        (libc::AF_UNIX, libc::SOCK_STREAM, 0),
    ] {
        let (family, kind, protocol) = allowed;
        inmate.ok(&[
            "call",
            &libc::SYS_socket.to_string(),
            &family.to_string(),
            &kind.to_string(),
            &protocol.to_string(),
        ]);
    }
    inmate.ok(&[
        "call",
        &libc::SYS_ptrace.to_string(),
        &libc::PTRACE_TRACEME.to_string(),
    ]);
}

#[test]
fn nothing_tells_about_the_host_or_others() {
    let rig = Rig::new();
    let other = rig.sandbox();
    let mut inmate = rig.sandbox();
    let mounts = inmate.ok(&["read", "/proc/self/mountinfo"]);
    for secret in [
        rig.dir.to_str().unwrap(),
        "loop",
        "/var",
        "pool",
        &other.id,
        "/proc/1",
    ] {
        assert!(!mounts.contains(secret), "{secret}: {mounts}");
    }
    for hidden in [
        "cmdline",
        "kcore",
        "keys",
        "timer_list",
        "diskstats",
        "partitions",
        "kallsyms",
    ] {
        let path = format!("/proc/{hidden}");
        match inmate.tell(&["read", &path]) {
            Ok(text) => assert_eq!(text, "", "{path}"),
            // A kernel without the file.
            Err((errno, _)) => assert_eq!(errno, libc::ENOENT, "{path}"),
        }
    }
    assert_eq!(inmate.ok(&["list", "/sys/block"]), "");
    assert_eq!(inmate.ok(&["list", "/sys/fs/cgroup"]), "");
    for group in inmate.ok(&["read", "/proc/self/cgroup"]).lines() {
        assert!(!group.contains("atoll"), "{group}");
    }
    for path in [
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/sys/x",
        "/proc/sys/net/ipv4/ip_forward",
    ] {
        let errno = inmate.errno(&["write", path, "x"]);
        assert!(
            [libc::EROFS, libc::EACCES, libc::EPERM, libc::ENOENT].contains(&errno),
            "{path}: {errno}"
        );
    }
    assert_eq!(inmate.errno(&["list", "/run/.atoll/d"]), libc::EACCES);
    assert_eq!(inmate.ok(&["stat", "/run/.atoll"]), "40700 0 0");
    assert_eq!(
        inmate
            .ok(&["stat", "/data/inner/file"])
            .split_once(' ')
            .unwrap()
            .1,
        "0 0"
    );
}

#[test]
fn the_guest_inherits_nothing_and_cannot_be_read_by_its_root() {
    let rig = Rig::new();
    let inmate = rig.sandbox();
    let pid = inmate.claimed.pid;
    let mut targets: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .flatten()
        .map(|e| fs::read_link(e.path()).unwrap().display().to_string())
        .filter(|target| !target.starts_with("socket:"))
        .collect();
    targets.sort();
    // Standard input, output and error, and the spool.
    assert_eq!(targets, ["/", "/null", "/null", "/null"]);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let uid = status
        .lines()
        .find(|l| l.starts_with("Uid:"))
        .unwrap()
        .split_whitespace()
        .nth(1);
    assert!(uid.unwrap().parse::<u32>().unwrap() >= 0x3000_0000);
    // Undumpable: its files below /proc are the host's root's, not the sandbox's.
    use std::os::unix::fs::MetadataExt;
    assert_eq!(
        fs::metadata(format!("/proc/{pid}/environ")).unwrap().uid(),
        0
    );
}

#[test]
fn every_sandbox_has_ids_limits_and_disk_of_its_own() {
    let rig = Rig::new();
    let mut first = rig.sandbox();
    let mut second = rig.sandbox_with(|claim| {
        claim.limits = Some(wire::Limits {
            cpu_millis: 500,
            memory_bytes: 64 << 20,
            pids: 20,
        });
        claim.hostname = "my-host.example".to_owned();
    });
    assert_ne!(first.claimed.index, second.claimed.index);
    assert_ne!(
        first.ok(&["read", "/proc/self/uid_map"]),
        second.ok(&["read", "/proc/self/uid_map"])
    );
    assert_eq!(second.ok(&["hostname"]), "my-host.example");
    first.ok(&["write", "/data/mine", "x"]);
    assert_eq!(second.errno(&["read", "/data/mine"]), libc::ENOENT);
    let neighbour = format!("{}:80", first.claimed.address);
    assert!(second.tell(&["tcp", &neighbour]).is_err());
    let mut events = rig.subscribe();
    let killed: i32 = second.ok(&["hog", "200"]).parse().unwrap();
    assert_eq!(killed & 0x7f, libc::SIGKILL);
    assert_eq!(
        events.event(),
        wire::event::Kind::Oom(wire::event::Oom {
            id: second.id.clone()
        })
    );
    let usage = rig.kill(&second.id).usage.unwrap();
    assert_eq!(usage.oom_kills, 1);
    assert!(usage.memory_peak > 32 << 20);
}

#[test]
fn a_full_disk_is_full_for_its_sandbox_only() {
    let rig = Rig::new();
    let mut first = rig.sandbox_with(|claim| {
        claim.disk = Some(wire::claim::Disk::NewBytes(256 << 20));
    });
    let mut second = rig.sandbox();
    assert_eq!(first.errno(&["fill", "/data/big", "400"]), libc::ENOSPC);
    second.ok(&["fill", "/data/big", "100"]);
}

#[test]
fn device_nodes_of_a_layer_stay_closed_also_to_an_extended_sandbox() {
    let rig = Rig::new();
    let mut standard = rig.sandbox();
    assert_eq!(standard.errno(&["read", "/data/disk"]), libc::EACCES);
    let mut extended = rig.sandbox_with(|claim| claim.set_profile(Profile::Extended));
    extended.ok(&["remount", "/"]);
    assert_eq!(extended.errno(&["read", "/data/disk"]), libc::EPERM);
}

#[test]
fn a_sandbox_without_network_reaches_not_even_the_gateway() {
    let rig = Rig::new();
    let Ok(wire::response::Result::Info(info)) = rig.ask(Op::Info(wire::Info {})) else {
        panic!()
    };
    let resolver = format!("{}:53", info.gateway);
    let mut inmate = rig.sandbox_with(|claim| claim.network = false);
    assert!(inmate.tell(&["tcp", &resolver]).is_err());
    let set = |enabled| wire::SetNetwork {
        sandbox: inmate.id.clone(),
        enabled,
        policy: None,
    };
    let (on, off) = (set(true), set(false));
    rig.done(Op::SetNetwork(on));
    inmate.ok(&["tcp", &resolver]);
    rig.done(Op::SetNetwork(off));
    assert!(inmate.tell(&["tcp", &resolver]).is_err());
}
