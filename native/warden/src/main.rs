use std::env;

fn main() {
    let mut args = env::args_os().skip(1);
    if args.next().is_some_and(|mode| mode == "dns") {
        atoll_warden::net::dns_main(args);
    }
}
