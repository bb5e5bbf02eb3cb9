//! `atoll-warden --config FILE.json [--teardown]`

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use atoll_warden::config::Config;
use atoll_warden::{net, service, teardown};

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1).peekable();
    if args.peek().is_some_and(|mode| mode == "dns") {
        args.next();
        net::dns_main(args);
    }
    if args.peek().is_some_and(|mode| mode == "proxy") {
        args.next();
        net::proxy_main(args);
    }
    let mut config = None;
    let mut teardown = false;
    while let Some(arg) = args.next() {
        match arg.to_str() {
            Some("--config") => config = args.next().map(PathBuf::from),
            Some("--teardown") => teardown = true,
            _ => return usage(),
        }
    }
    let Some(path) = config else { return usage() };
    let result = Config::read(&path).and_then(|config| {
        if teardown {
            teardown::run(&config)
        } else {
            service::run(config)
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("warden: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: atoll-warden --config FILE.json [--teardown]");
    ExitCode::from(2)
}
