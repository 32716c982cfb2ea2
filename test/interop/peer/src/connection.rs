//! One connection: its sender and its receiver each do what they are told, in that order.

use aggligator::alc::{Channel, Receiver, Sender};
use bytes::{Buf, Bytes};
use tokio::sync::{mpsc, oneshot};

use crate::{
    api::PeerControl,
    json::Object,
    pattern::Pattern,
    report::{self, CommandId, Failure, Reply},
};

/// Done by the sender.
pub enum Send {
    /// `length` bytes of the pattern of `seed`, in messages of `message_size` bytes.
    Pattern { length: u64, seed: u32, message_size: usize },
    /// Bytes on behalf of `echo`.
    Bytes { bytes: Bytes, sent: oneshot::Sender<Result<(), Failure>> },
    /// Largest message that the peer takes.
    MaxSize,
    /// No more data: drops the sender.
    Finish,
}

/// Done by the receiver.
pub enum Receive {
    /// Exactly so many bytes; without a length all until the end.
    Data { length: Option<u64> },
    /// Everything back until the end, then ends its own direction, too.
    Echo,
    /// The peer shall send no more.
    Close,
    /// The reader goes away.
    Drop,
}

/// Work for one half, with the command to reply to.
type Work<T> = (Option<CommandId>, T);

pub struct Connection {
    pub control: PeerControl,
    sends: mpsc::UnboundedSender<Work<Send>>,
    receives: mpsc::UnboundedSender<Work<Receive>>,
}

impl Connection {
    pub fn start(control: PeerControl, channel: Channel) -> Self {
        let (sender, receiver) = channel.into_tx_rx();
        let (sends, send_work) = mpsc::unbounded_channel();
        let (receives, receive_work) = mpsc::unbounded_channel();
        tokio::spawn(run_sender(sender, send_work));
        tokio::spawn(ReceiverHalf { receiver: Some(receiver), rest: Bytes::new() }.run(receive_work, sends.clone()));
        Self { control, sends, receives }
    }

    pub fn send(&self, id: CommandId, work: Send) {
        let _ = self.sends.send((Some(id), work));
    }

    pub fn receive(&self, id: CommandId, work: Receive) {
        let _ = self.receives.send((Some(id), work));
    }
}

async fn run_sender(sender: Sender, mut work: mpsc::UnboundedReceiver<Work<Send>>) {
    let mut sender = Some(sender);
    while let Some((id, send)) = work.recv().await {
        let reply = match send {
            Send::Finish => {
                sender = None;
                Ok(Object::new())
            }
            Send::MaxSize => half(&sender).map(|sender| Object::new().number("maxSize", sender.max_size() as u64)),
            Send::Pattern { length, seed, message_size } => match half(&sender) {
                Ok(sender) => send_pattern(sender, length, seed, message_size).await,
                Err(failure) => Err(failure),
            },
            Send::Bytes { bytes, sent } => {
                let result = match half(&sender) {
                    Ok(sender) => sender.send(bytes).await.map_err(|error| Failure::of(&error)),
                    Err(failure) => Err(failure),
                };
                let _ = sent.send(result);
                Ok(Object::new())
            }
        };
        if let Some(id) = id {
            report::reply(id, reply);
        }
    }
}

async fn send_pattern(sender: &Sender, length: u64, seed: u32, message_size: usize) -> Reply {
    let mut pattern = Pattern::new(seed);
    let mut sent = 0;
    while sent < length {
        let message = pattern.take((length - sent).min(message_size as u64) as usize);
        let size = message.len() as u64;
        let failed = |error| Failure::of(&error).with(Object::new().number("sent", sent));
        sender.send(message).await.map_err(failed)?;
        sent += size;
    }
    sender.flush().await.map_err(|error| Failure::of(&error).with(Object::new().number("sent", sent)))?;
    Ok(Object::new().number("sent", sent))
}

struct ReceiverHalf {
    receiver: Option<Receiver>,
    /// End of a message of which `recv` took only the beginning.
    rest: Bytes,
}

impl ReceiverHalf {
    async fn run(mut self, mut work: mpsc::UnboundedReceiver<Work<Receive>>, sends: mpsc::UnboundedSender<Work<Send>>) {
        while let Some((id, receive)) = work.recv().await {
            let reply = match receive {
                Receive::Data { length } => self.receive(length).await,
                Receive::Echo => self.echo(&sends).await,
                Receive::Close => half_mut(&mut self.receiver).map(|receiver| {
                    receiver.close();
                    Object::new()
                }),
                Receive::Drop => {
                    self.receiver = None;
                    Ok(Object::new())
                }
            };
            if let Some(id) = id {
                report::reply(id, reply);
            }
        }
    }

    async fn receive(&mut self, length: Option<u64>) -> Reply {
        let mut checksum = crc32fast::Hasher::new();
        let mut received = 0;
        let result = loop {
            if length == Some(received) {
                break Ok(false);
            }
            let mut bytes = match self.next().await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => break Ok(true),
                Err(failure) => break Err(failure),
            };
            let wanted = length.map_or(u64::MAX, |length| length - received);
            let taken = bytes.split_to(wanted.min(bytes.len() as u64) as usize);
            self.rest = bytes;
            received += taken.len() as u64;
            checksum.update(&taken);
        };
        let counts = Object::new().number("received", received).number("checksum", checksum.finalize().into());
        match result {
            Ok(ended) => Ok(counts.flag("ended", ended)),
            Err(failure) => Err(failure.with(counts)),
        }
    }

    async fn echo(&mut self, sends: &mpsc::UnboundedSender<Work<Send>>) -> Reply {
        let mut echoed = 0;
        while let Some(bytes) = self.next().await? {
            let length = bytes.len() as u64;
            let (sent, done) = oneshot::channel();
            let _ = sends.send((None, Send::Bytes { bytes, sent }));
            done.await.map_err(|error| Failure::new("SenderGone", error))??;
            echoed += length;
        }
        let _ = sends.send((None, Send::Finish));
        Ok(Object::new().number("echoed", echoed))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        if self.rest.has_remaining() {
            return Ok(Some(std::mem::take(&mut self.rest)));
        }
        half_mut(&mut self.receiver)?.recv().await.map_err(|error| Failure::of(&error))
    }
}

fn half<T>(half: &Option<T>) -> Result<&T, Failure> {
    half.as_ref().ok_or_else(|| Failure::new("Dropped", "this half has been dropped"))
}

fn half_mut<T>(half: &mut Option<T>) -> Result<&mut T, Failure> {
    half.as_mut().ok_or_else(|| Failure::new("Dropped", "this half has been dropped"))
}
