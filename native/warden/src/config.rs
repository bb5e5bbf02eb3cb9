//! The configuration file: JSON, every key optional but `engine_uid`, unknown keys are errors.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name in the kernel of everything this warden makes: 1..12 of `[a-z0-9]`.
    pub instance: String,
    /// Holds the pool; survives reboots.
    pub state_dir: PathBuf,
    /// Holds socket, lock and live records; its content means nothing after a reboot.
    pub run_dir: PathBuf,
    /// The only user, besides root, whose requests are served.
    pub engine_uid: u32,
    pub engine_gid: u32,
    /// The static program that becomes PID 1 of every sandbox.
    pub guest_binary: PathBuf,
    /// `*.json` with an image file each, imported as layers at start. None = nothing to import.
    pub templates_dir: Option<PathBuf>,
    /// Size of the disk a slot is prepared with, bytes; rounded up to a class of sizes.
    pub default_disk_bytes: u64,
    /// Slots and sandboxes together, 1..8192.
    pub max_slots: u32,
    /// First host id of the sandboxes' ranges; sandbox n owns 65536 ids from `id_base + n * 65536`.
    pub id_base: u32,
    /// For tests: builds roots as on kernels before Linux 6.15.
    pub overlay_by_path: bool,
    pub pool: PoolConfig,
    pub network: NetworkSection,
    pub limits: LimitsConfig,
    pub gvisor: GvisorSection,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GvisorSection {
    /// The program that runs sandboxes of the class `gvisor`. None = the class is absent.
    pub runsc: Option<PathBuf>,
    /// Why it is absent, as callers are told.
    pub absent: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum PoolKind {
    /// XFS with reflink in a sparse file below `state_dir`.
    Loop,
    /// A directory of the operator's.
    Dir,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolConfig {
    pub kind: PoolKind,
    /// Size of the loop pool, bytes, sparse; used when it is made.
    pub size_bytes: u64,
    /// The directory of kind `dir`.
    pub dir: Option<PathBuf>,
    /// Below this much free space creates, forks and snapshots are refused, bytes.
    pub admission_free_bytes: u64,
    /// Below this much free space the fastest writers are frozen, bytes.
    pub freeze_free_bytes: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkSection {
    /// IPv4 subnet the sandboxes' addresses come from, `a.b.c.d/len`.
    pub subnet: String,
    /// CIDRs that sandboxes may not reach. The default: what is not public (loopback, RFC 1918,
    /// carrier-grade NAT, link-local with the metadata services, ULA, multicast, reserved).
    pub deny: Vec<String>,
    /// CIDRs allowed though denied otherwise.
    pub allow: Vec<String>,
    /// Resolvers the DNS forwarder asks; empty = those of /etc/resolv.conf.
    pub upstream: Vec<IpAddr>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Memory that all sandboxes together leave to the host, bytes.
    pub host_reserve_bytes: u64,
    /// Processes and threads of a sandbox when the request says 0.
    pub pids: u32,
    /// The sandboxes' common memory limit is (machine - reserve) times this, 0.1..16.
    pub memory_overcommit: f64,
    /// CPU of a sandbox when the request says 0, thousandths of a core; 0 = all.
    pub cpu_millis: u32,
    /// Memory of a sandbox when the request says 0, bytes.
    pub memory_bytes: u64,
}

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

impl Default for Config {
    fn default() -> Config {
        Config {
            instance: "default".to_owned(),
            state_dir: PathBuf::from("/var/lib/atoll"),
            run_dir: PathBuf::new(),
            engine_uid: u32::MAX,
            engine_gid: u32::MAX,
            guest_binary: PathBuf::from("/usr/local/lib/atoll/atoll-guest"),
            templates_dir: None,
            default_disk_bytes: 10 * GIB,
            max_slots: 1024,
            id_base: 0x4000_0000,
            overlay_by_path: false,
            pool: PoolConfig::default(),
            network: NetworkSection::default(),
            limits: LimitsConfig::default(),
            gvisor: GvisorSection::default(),
        }
    }
}

impl Default for PoolConfig {
    fn default() -> PoolConfig {
        PoolConfig {
            kind: PoolKind::Loop,
            size_bytes: 64 * GIB,
            dir: None,
            admission_free_bytes: 2 * GIB,
            freeze_free_bytes: 512 * MIB,
        }
    }
}

impl Default for NetworkSection {
    fn default() -> NetworkSection {
        NetworkSection {
            subnet: "10.200.0.0/16".to_owned(),
            deny: DENIED.map(str::to_owned).to_vec(),
            allow: Vec::new(),
            upstream: Vec::new(),
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> LimitsConfig {
        LimitsConfig {
            host_reserve_bytes: GIB,
            pids: 4096,
            memory_overcommit: 1.0,
            cpu_millis: 0,
            memory_bytes: 4 * GIB,
        }
    }
}

/// RFC 6890 and its successors but for the documentation ranges, which closed networks use for
/// mirrors of their own; and the metadata address of Azure, which is a public one.
const DENIED: [&str; 17] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::1/128",
    "64:ff9b::/96",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

/// Smallest disk, bytes.
pub const MIN_DISK: u64 = 256 * MIB;
/// Largest disk, bytes; sparse, so it costs nothing until written.
pub const MAX_DISK: u64 = 1 << 40;
/// Sizes that a disk is grown to are rounded up to a multiple of this, bytes.
pub const DISK_STEP: u64 = MIB;
/// Ids each sandbox owns.
pub const IDS_PER_SANDBOX: u32 = 65536;

impl Config {
    pub fn read(path: &Path) -> Result<Config, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        Config::parse(&text).map_err(|e| format!("{}: {e}", path.display()))
    }

    fn parse(text: &str) -> Result<Config, String> {
        let mut config: Config = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if config.run_dir.as_os_str().is_empty() {
            config.run_dir = Path::new("/run/atoll").join(&config.instance);
        }
        if config.engine_gid == u32::MAX {
            config.engine_gid = config.engine_uid;
        }
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let name_ok = (1..=12).contains(&self.instance.len())
            && self
                .instance
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !name_ok {
            return Err(format!(
                "instance {:?} is not 1..12 of [a-z0-9]",
                self.instance
            ));
        }
        if self.engine_uid == u32::MAX {
            return Err("engine_uid is missing".to_owned());
        }
        for (key, path) in [("state_dir", &self.state_dir), ("run_dir", &self.run_dir)] {
            if !path.is_absolute() {
                return Err(format!("{key} {} is not absolute", path.display()));
            }
        }
        if !(MIN_DISK..=MAX_DISK).contains(&self.default_disk_bytes) {
            return Err(format!(
                "default_disk_bytes is not within {MIN_DISK}..{MAX_DISK}"
            ));
        }
        if !(1..=8192).contains(&self.max_slots) {
            return Err("max_slots is not within 1..8192".to_owned());
        }
        // The kernel bounds ping_group_range by 2^31 - 1, and id 0's range is the host's.
        let last = u64::from(self.id_base) + u64::from(self.max_slots) * u64::from(IDS_PER_SANDBOX);
        if self.id_base < IDS_PER_SANDBOX || last > 1 << 31 {
            return Err("id_base leaves 65536..2^31 for this many slots".to_owned());
        }
        if self.pool.kind == PoolKind::Dir && self.pool.dir.is_none() {
            return Err("pool.dir is missing for pool.kind \"dir\"".to_owned());
        }
        if self.pool.freeze_free_bytes > self.pool.admission_free_bytes {
            return Err("pool.freeze_free_bytes is over pool.admission_free_bytes".to_owned());
        }
        if !(0.1..=16.0).contains(&self.limits.memory_overcommit) {
            return Err("limits.memory_overcommit is not within 0.1..16".to_owned());
        }
        self.subnet().map(|_| ())
    }

    /// Address and prefix length of `network.subnet`.
    pub fn subnet(&self) -> Result<(Ipv4Addr, u8), String> {
        let wrong = || {
            format!(
                "network.subnet {:?} is not like 10.200.0.0/16",
                self.network.subnet
            )
        };
        let (address, length) = self.network.subnet.split_once('/').ok_or_else(wrong)?;
        let length: u8 = length.parse().map_err(|_| wrong())?;
        let address: Ipv4Addr = address.parse().map_err(|_| wrong())?;
        if !(8..=30).contains(&length) {
            return Err(wrong());
        }
        Ok((address, length))
    }

    /// First host id of the sandbox with this index.
    pub fn base_id(&self, index: u32) -> u32 {
        self.id_base + index * IDS_PER_SANDBOX
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    #[test]
    fn unknown_and_wrong_keys_are_errors_that_name_the_key() {
        for (text, named) in [
            (r#"{"engine_uid":1,"max_slot":3}"#, "max_slot"),
            (r#"{"engine_uid":1,"pool":{"size":3}}"#, "size"),
            (r#"{}"#, "engine_uid"),
            (r#"{"engine_uid":1,"instance":"a/b"}"#, "instance"),
            (r#"{"engine_uid":1,"id_base":0}"#, "id_base"),
            (r#"{"engine_uid":1,"max_slots":0}"#, "max_slots"),
            (
                r#"{"engine_uid":1,"network":{"subnet":"10.0.0.0"}}"#,
                "subnet",
            ),
            (r#"{"engine_uid":1,"pool":{"kind":"dir"}}"#, "pool.dir"),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn the_run_directory_follows_the_instance() {
        let config = Config::parse(r#"{"engine_uid":1,"instance":"x1"}"#).unwrap();
        assert_eq!(config.run_dir.to_str(), Some("/run/atoll/x1"));
        assert_eq!(config.engine_gid, 1);
    }
}
