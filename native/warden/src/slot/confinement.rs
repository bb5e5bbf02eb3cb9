//! What a sandbox keeps after it entered its root: capabilities and system calls.

use crate::seccomp::{self, Profile};

/// Capabilities of root in a sandbox, over its own user namespace only. MKNOD and NET_RAW are left
/// out: devices cannot be made in a user namespace anyway, ping works by ping_group_range.
const CAPABILITIES: u64 = bit(0) // CHOWN
    | bit(1)   // DAC_OVERRIDE
    | bit(3)   // FOWNER
    | bit(4)   // FSETID
    | bit(5)   // KILL
    | bit(6)   // SETGID
    | bit(7)   // SETUID
    | bit(8)   // SETPCAP
    | bit(10)  // NET_BIND_SERVICE
    | bit(18)  // SYS_CHROOT
    | bit(29)  // AUDIT_WRITE: PAM
    | bit(31); // SETFCAP: dpkg
const SYS_ADMIN: u64 = bit(21);

const fn bit(n: u32) -> u64 {
    1 << n
}

/// The rights of each profile, compiled once.
pub struct Confinements {
    standard: Confinement,
    extended: Confinement,
}

/// The rights of one profile.
pub struct Confinement {
    pub capabilities: u64,
    /// Instructions of classic BPF as the kernel takes them.
    pub filter: Vec<u8>,
}

impl Confinements {
    pub fn compile() -> Result<Confinements, String> {
        let of = |profile, capabilities| {
            Ok::<_, String>(Confinement {
                capabilities,
                filter: bytes(&seccomp::compile(profile)?),
            })
        };
        Ok(Confinements {
            standard: of(Profile::Standard, CAPABILITIES)?,
            extended: of(Profile::Extended, CAPABILITIES | SYS_ADMIN)?,
        })
    }

    pub fn of(&self, profile: Profile) -> &Confinement {
        match profile {
            Profile::Standard => &self.standard,
            Profile::Extended => &self.extended,
        }
    }
}

fn bytes(program: &[seccompiler::sock_filter]) -> Vec<u8> {
    let instruction = |i: &seccompiler::sock_filter| {
        let [code_low, code_high] = i.code.to_ne_bytes();
        let [a, b, c, d] = i.k.to_ne_bytes();
        [code_low, code_high, i.jt, i.jf, a, b, c, d]
    };
    program.iter().flat_map(instruction).collect()
}
