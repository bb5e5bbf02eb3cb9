//! Fan-out of events to the connections that subscribed.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use atoll_wire::warden::{Event, event::Kind};

use crate::lock::lock;

/// Events a subscriber may be behind before its connection is closed; it then learns the state by
/// listing, as after any reconnect.
const BACKLOG: usize = 4096;

#[derive(Default)]
pub struct Events {
    subscribers: Mutex<Vec<SyncSender<Event>>>,
}

impl Events {
    pub fn subscribe(&self) -> Receiver<Event> {
        let (sender, receiver) = sync_channel(BACKLOG);
        lock(&self.subscribers).push(sender);
        receiver
    }

    pub fn publish(&self, kind: Kind) {
        let event = Event { kind: Some(kind) };
        lock(&self.subscribers).retain(|subscriber| match subscriber.try_send(event.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        });
    }
}
