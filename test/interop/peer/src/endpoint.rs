//! The server and the client of this peer: TCP links in and out, and the connections they form.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aggligator::{
    cfg::Cfg,
    connect::{Incoming, Listener, Server},
    Task,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};

use crate::{
    api::{self, LinkRx, LinkTx, PeerControl, PeerLink, PeerServer, Tag},
    connection::Connection,
    json::Object,
    report::{self, variant_name, Failure, Reply},
};

const POLL: Duration = Duration::from_millis(5);

/// What happens to a connection that comes in.
#[derive(Clone, Copy)]
pub enum Policy {
    Accept,
    Refuse,
}

#[derive(Default)]
struct State {
    config: Cfg,
    policy: Option<Policy>,
    server: Option<PeerServer>,
    /// Takes new connections as long as it runs.
    listener: Option<JoinHandle<()>>,
    /// The newest; commands mean this one.
    connection: Option<Arc<Connection>>,
    /// Every link there ever was, in the order of appearance.
    links: Vec<PeerLink>,
}

#[derive(Clone, Default)]
pub struct Endpoint(Arc<Mutex<State>>);

impl Endpoint {
    /// Applies to servers and connections made from now on.
    pub fn set_option(&self, name: &str, value: u64) -> Result<(), String> {
        api::set_option(&mut self.0.lock().unwrap().config, name, value)
    }

    pub fn set_policy(&self, policy: Policy) {
        self.0.lock().unwrap().policy = Some(policy);
    }

    pub fn connection(&self) -> Result<Arc<Connection>, Failure> {
        self.0.lock().unwrap().connection.clone().ok_or_else(|| Failure::new("NoConnection", "there is no connection"))
    }

    /// Accepts TCP links, and new connections over them.
    pub async fn listen(&self, address: &str) -> Reply {
        let tcp = TcpListener::bind(address).await.map_err(|error| Failure::of(&error))?;
        let local = tcp.local_addr().map_err(|error| Failure::of(&error))?;
        let missing = self.0.lock().unwrap().server.is_none();
        if missing {
            self.start_server();
        }
        tokio::spawn(self.clone().accept_links(tcp));
        Ok(Object::new().text("address", &local.to_string()).number("port", local.port().into()))
    }

    /// A server with another id: what a restart looks like to a client. Old connections live on.
    pub fn start_server(&self) {
        self.stop_listening();
        let mut state = self.0.lock().unwrap();
        state.server = Some(Server::new(state.config.clone()));
        drop(state);
        self.resume_listening();
    }

    /// From now on a new connection is refused as not listening; links may still join those that exist.
    pub fn stop_listening(&self) {
        if let Some(listener) = self.0.lock().unwrap().listener.take() {
            listener.abort();
        }
    }

    pub fn resume_listening(&self) {
        let mut state = self.0.lock().unwrap();
        let Some(server) = &state.server else { return };
        if let Ok(listener) = server.listen() {
            state.listener = Some(tokio::spawn(self.clone().accept_connections(listener)));
        }
    }

    async fn accept_links(self, tcp: TcpListener) {
        while let Ok((stream, remote)) = tcp.accept().await {
            let Some(server) = self.0.lock().unwrap().server.clone() else { continue };
            let this = self.clone();
            tokio::spawn(async move {
                let _ = stream.set_nodelay(true);
                match api::add_incoming(&server, stream, format!("incoming {remote}")).await {
                    Ok(link) => this.watch_link(link),
                    Err(error) => report::event("incoming-error", Object::new().text("error", &variant_name(&error))),
                }
            });
        }
    }

    async fn accept_connections(self, mut listener: Listener<LinkTx, LinkRx, Tag>) {
        while let Ok(incoming) = listener.next().await {
            let policy = self.0.lock().unwrap().policy.unwrap_or(Policy::Accept);
            match policy {
                Policy::Accept => self.accept(incoming),
                Policy::Refuse => {
                    incoming.refuse().await;
                    report::event("refused", Object::new());
                }
            }
        }
    }

    fn accept(&self, incoming: Incoming<LinkTx, LinkRx, Tag>) {
        let (task, channel, control) = incoming.accept();
        let id = channel.id().to_string();
        self.run(task, &id);
        self.0.lock().unwrap().connection = Some(Arc::new(Connection::start(control, channel)));
        report::event("connection", Object::new().text("connection", &id));
    }

    /// Connects with a TCP link to each of `addresses`.
    pub async fn connect(&self, addresses: &[&str]) -> Reply {
        let config = self.0.lock().unwrap().config.clone();
        let (task, outgoing, control) = aggligator::connect(config);
        let id = outgoing.id().to_string();
        let running = self.run(task, &id);
        let mut errors = Vec::new();
        let mut last = Failure::new("NoLink", "no address was given");
        for address in addresses {
            if let Err(failure) = self.add_link_to(&control, address).await {
                errors.push(Object::new().text("address", address).text("error", &failure.name));
                last = failure;
            }
        }
        if errors.len() == addresses.len() {
            running.abort();
            return Err(last.with(Object::new().objects("errors", errors)));
        }
        let channel = outgoing.connect().await.map_err(|error| Failure::of(&error))?;
        self.0.lock().unwrap().connection = Some(Arc::new(Connection::start(control, channel)));
        Ok(Object::new().text("connection", &id).objects("errors", errors))
    }

    pub async fn add_link(&self, address: &str) -> Reply {
        let connection = self.connection()?;
        self.add_link_to(&connection.control, address).await?;
        Ok(Object::new())
    }

    async fn add_link_to(&self, control: &PeerControl, address: &str) -> Result<(), Failure> {
        let stream = TcpStream::connect(address).await.map_err(|error| Failure::of(&error))?;
        let _ = stream.set_nodelay(true);
        let link = api::add_outgoing(control, stream, format!("outgoing {address}"))
            .await
            .map_err(|error| Failure::of(&error))?;
        self.watch_link(link);
        Ok(())
    }

    /// Links of the newest connection, those that are gone as well.
    fn links(&self) -> Result<Vec<PeerLink>, Failure> {
        let id = self.connection()?.control.id();
        Ok(self.0.lock().unwrap().links.iter().filter(|link| link.conn_id() == id).cloned().collect())
    }

    pub fn link(&self, index: usize) -> Result<PeerLink, Failure> {
        let links = self.links()?;
        let count = links.len();
        links.into_iter().nth(index).ok_or_else(|| Failure::new("NoSuchLink", format!("there are {count} links")))
    }

    pub fn list_links(&self) -> Reply {
        let links = self.links()?;
        Ok(Object::new().objects("links", links.iter().map(describe_link)))
    }

    /// Waits until exactly `count` links work.
    pub async fn working_links(&self, count: usize) -> Reply {
        while self.links()?.iter().filter(|link| link.is_working() && !link.is_disconnected()).count() != count {
            sleep(POLL).await;
        }
        Ok(Object::new())
    }

    fn watch_link(&self, link: PeerLink) {
        self.0.lock().unwrap().links.push(link.clone());
        report::event("link", Object::new().text("tag", link.tag()));
        tokio::spawn(async move {
            let reason = link.disconnected().await;
            report::event("link-closed", Object::new().text("tag", link.tag()).text("reason", &variant_name(&reason)));
        });
    }

    fn run(&self, task: Task<LinkTx, LinkRx, Tag>, id: &str) -> JoinHandle<()> {
        let id = id.to_string();
        tokio::spawn(async move {
            let result = task.run().await;
            let error = result.err().map(|error| variant_name(&error));
            report::event("ended", Object::new().text("connection", &id).optional_text("error", error.as_deref()));
        })
    }
}

fn describe_link(link: &PeerLink) -> Object {
    let disconnected = link.disconnect_reason().map(|reason| variant_name(&reason));
    let not_working = link.not_working_reason().map(|reason| variant_name(&reason));
    let stats = link.stats();
    Object::new()
        .text("tag", link.tag())
        .text("userData", &String::from_utf8_lossy(link.remote_user_data()))
        .flag("working", link.is_working() && !link.is_disconnected())
        .optional_text("notWorking", not_working.as_deref())
        .flag("blocked", link.is_blocked())
        .flag("remotelyBlocked", link.is_remotely_blocked())
        .optional_text("disconnected", disconnected.as_deref())
        .number("sent", stats.total_sent)
        .number("received", stats.total_recved)
}
