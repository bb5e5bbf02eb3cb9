//! The guest: PID 1 of a sandbox. Dials the engine and does there what the engine asks.
//!
//! `atoll-guest --socket PATH (--control-fd N | --spool-dir DIR) [--sentry standard|extended]`
//!
//! The spool is a directory on the sandbox's own disk, outside the root that the sandbox sees. With a
//! control socket the program begins in a slot and gets root and spool with the claim.
//! `--sentry` tells that gVisor's sentry is the kernel, and the profile.
//! Not being PID 1 it works as a subreaper, for tests.
//!
//! `/__modal/.bin/modal-sandbox-fs-tools COMMAND`: see [`fs_tools`].

mod configure;
mod conn;
mod creds;
mod dispatch;
mod engine_link;
mod failure;
mod files;
mod fs_tools;
mod guest;
mod metrics;
mod net;
mod process;
mod quiesce;
mod sentry;
mod shutdown;
mod spool;
mod start;
mod sys;
mod tar;
mod users;
mod wait;
mod watch;
mod window;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Release builds abort on a panic; tests must not let one pass as a closed connection.
    #[cfg(debug_assertions)]
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("atoll-guest: {panic}");
        std::process::abort();
    }));
    if let Some(command) = fs_tools::asked_for() {
        return fs_tools::run(&command);
    }
    match start::run() {
        Ok(never) => match never {},
        Err(e) => {
            eprintln!("atoll-guest: {e}");
            ExitCode::FAILURE
        }
    }
}
