//! The privileged part of Atoll: disks, mounts, slots, groups and network of the sandboxes, served
//! to one peer over one socket.

mod adopt;
mod audit;
mod cgroup;
mod claims;
mod committer;
pub mod config;
mod control;
mod devices;
mod doctor;
mod events;
mod fault;
mod gvisor;
mod ids;
mod images;
mod layer_use;
mod live;
mod lock;
mod mounts;
pub mod net;
mod notify;
mod pool;
mod reaper;
mod seccomp;
mod server;
pub mod service;
mod slot;
mod slots;
mod snapshots;
mod staging;
mod sys;
pub mod teardown;
mod usage;
mod volumes;
mod warden;
mod watcher;
mod watermark;
