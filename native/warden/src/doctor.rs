//! What this machine can do of what the warden relies on.

use atoll_wire::warden::DoctorReport;

use crate::net::Network;
use crate::warden::Warden;

pub fn report(_warden: &Warden) -> DoctorReport {
    let checks = Network::doctor()
        .into_iter()
        .map(|(name, ok, detail)| atoll_wire::warden::doctor_report::Check {
            name,
            ok,
            detail,
            required: true,
        })
        .collect();
    DoctorReport { checks }
}
