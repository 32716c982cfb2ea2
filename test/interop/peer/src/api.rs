//! What differs between the versions of the reference's interface, and names for its types.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use aggligator::{
    cfg::Cfg,
    connect::{IncomingError, Server},
    control::{AddLinkError, Control, Link},
    io::{IoRx, IoTx},
};
use tokio::net::{
    tcp::{OwnedReadHalf, OwnedWriteHalf},
    TcpStream,
};

pub type Tag = String;
pub type LinkTx = IoTx<OwnedWriteHalf>;
pub type LinkRx = IoRx<OwnedReadHalf>;
pub type PeerControl = Control<LinkTx, LinkRx, Tag>;
pub type PeerServer = Server<LinkTx, LinkRx, Tag>;
pub type PeerLink = Link<Tag>;

pub async fn add_outgoing(control: &PeerControl, stream: TcpStream, tag: Tag) -> Result<PeerLink, AddLinkError> {
    let user_data = tag.clone().into_bytes();
    let (read, write) = stream.into_split();
    #[cfg(feature = "link-config")]
    return control.add_io(read, write, tag, &user_data, None).await;
    #[cfg(not(feature = "link-config"))]
    return control.add_io(read, write, tag, &user_data).await;
}

pub async fn add_incoming(server: &PeerServer, stream: TcpStream, tag: Tag) -> Result<PeerLink, IncomingError> {
    let user_data = tag.clone().into_bytes();
    let (read, write) = stream.into_split();
    #[cfg(feature = "link-config")]
    return server.add_incoming_io(read, write, tag, &user_data, None).await;
    #[cfg(not(feature = "link-config"))]
    return server.add_incoming_io(read, write, tag, &user_data).await;
}

/// Ends the connection by force; false if this version cannot.
pub fn terminate(control: &PeerControl) -> bool {
    #[cfg(feature = "terminate")]
    control.terminate();
    let _ = control;
    cfg!(feature = "terminate")
}

/// Sets one option, under the name it has in hawser's configuration. Durations are milliseconds.
pub fn set_option(config: &mut Cfg, name: &str, value: u64) -> Result<(), String> {
    let size = NonZeroUsize::new(value as usize).ok_or("zero");
    let word = NonZeroU32::new(value as u32).ok_or("zero");
    let duration = Duration::from_millis(value);
    match name {
        "chunkSize" => config.io_write_size = size?,
        "sendBuffer" => config.send_buffer = word?,
        "recvBuffer" => config.recv_buffer = word?,
        "sendQueue" => config.send_queue = size?,
        "recvQueue" => config.recv_queue = size?,
        "noLinkTimeout" => config.no_link_timeout = duration,
        "terminationTimeout" => config.termination_timeout = duration,
        "disconnectOnServerIdMismatch" => config.disconnect_on_server_id_mismatch = value != 0,
        _ => set_link_option(config, name, value)?,
    }
    Ok(())
}

#[cfg(feature = "link-config")]
fn set_link_option(config: &mut Cfg, name: &str, value: u64) -> Result<(), String> {
    let size = NonZeroUsize::new(value as usize).ok_or("zero");
    let duration = Duration::from_millis(value);
    match name {
        "ackTimeoutMin" => config.link.ack_timeout_min = duration,
        "ackTimeoutMax" => config.link.ack_timeout_max = duration,
        "windowInit" => config.link.unacked_init = size?,
        "windowLimit" => config.link.unacked_limit = size?,
        "pingTimeout" => config.link.ping_timeout = duration,
        "retestInterval" => config.link.retest_interval = duration,
        "nonWorkingTimeout" => config.link.non_working_timeout = duration,
        "testDataLimit" => config.link.test_data_limit = value as usize,
        _ => return Err(format!("unknown option {name}")),
    }
    Ok(())
}

#[cfg(not(feature = "link-config"))]
fn set_link_option(config: &mut Cfg, name: &str, value: u64) -> Result<(), String> {
    let size = NonZeroUsize::new(value as usize).ok_or("zero");
    let duration = Duration::from_millis(value);
    match name {
        "ackTimeoutMin" => config.link_ack_timeout_min = duration,
        "ackTimeoutMax" => config.link_ack_timeout_max = duration,
        "windowInit" => config.link_unacked_init = size?,
        "windowLimit" => config.link_unacked_limit = size?,
        "pingTimeout" => config.link_ping_timeout = duration,
        "retestInterval" => config.link_retest_interval = duration,
        "nonWorkingTimeout" => config.link_non_working_timeout = duration,
        "testDataLimit" => config.link_test_data_limit = value as usize,
        _ => return Err(format!("unknown option {name}")),
    }
    Ok(())
}
