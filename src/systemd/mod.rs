//! The service manager: sockets that it passes (`sd_listen_fds(3)`), and messages to it about the state of the server (`sd_notify(3)`).
//! Its libraries read the variables of these protocols. Without a service manager, no socket is passed and messages go nowhere.

mod notify;
mod sockets;

pub use notify::{ServiceManager, watchdog_timeout};
pub use sockets::{PassedSockets, UnusableSocket, passed_sockets};
