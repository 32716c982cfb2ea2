//! Endpoint of the reference implementation that does what a test tells it.
//!
//! Commands are lines on stdin: a number of the test's choice, a verb, arguments. Each gets one
//! line of JSON on stdout, with that number as `id`, and `ok` true, or false with `error` (the
//! name of the reference's error) and `message`. Commands run side by side, except that those of
//! the sender and those of the receiver wait for each other. Lines with `event` come unasked:
//! `link`, `link-closed`, `incoming-error`, `connection`, `refused`, `ended`.
//!
//! | command | what |
//! |---|---|
//! | `config NAME=VALUE...` | options of hawser's names, for servers and connections from now on |
//! | `listen ADDRESS` | accepts links, and connections |
//! | `policy accept\|refuse` | what to do with new connections |
//! | `stop-listening`, `resume-listening` | refuses new connections as not listening |
//! | `new-server` | goes on with another server id |
//! | `connect ADDRESS...` | a connection with one link to each address |
//! | `add-link ADDRESS` | one more link |
//! | `send LENGTH SEED [MESSAGE_SIZE]` | sends the pattern of that seed |
//! | `max-size` | largest message that the peer takes |
//! | `send-finish` | drops the sender |
//! | `recv LENGTH`, `recv-all` | receives; replies with count and CRC-32 |
//! | `echo` | sends everything back until the end, then finishes |
//! | `recv-close`, `recv-drop` | the reader wants no more; the reader goes away |
//! | `terminate` | ends the connection by force |
//! | `links` | state of all links that the connection ever had |
//! | `working-links COUNT` | waits until so many work |
//! | `block INDEX`, `unblock INDEX`, `disconnect INDEX` | does that to the link at that place in `links` |
//! | `exit` | as does the end of stdin |

mod api;
mod connection;
mod endpoint;
mod json;
mod pattern;
mod report;

use std::{fmt::Display, process::ExitCode, str::FromStr};

use tokio::io::{stdin, AsyncBufReadExt, BufReader};

use connection::{Receive, Send};
use endpoint::{Endpoint, Policy};
use json::Object;
use report::{CommandId, Failure, Reply};

const MESSAGE_SIZE: usize = 8_192;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let endpoint = Endpoint::default();
    let mut lines = BufReader::new(stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Some((id, command)) = line.split_once(' ') else { return usage(&line) };
        let Ok(id) = id.parse() else { return usage(&line) };
        let words: Vec<_> = command.split_whitespace().map(str::to_string).collect();
        if command == "exit" {
            break;
        }
        match start(&endpoint, id, &words) {
            Ok(()) => (),
            Err(failure) => report::reply(id, Err(failure)),
        }
    }
    // Without waiting for anything that still runs.
    std::process::exit(0);
}

fn usage(line: &str) -> ExitCode {
    eprintln!("not a command: {line}");
    ExitCode::FAILURE
}

/// Starts a command. What it hands to the sender or the receiver is queued before it returns.
fn start(endpoint: &Endpoint, id: CommandId, words: &[String]) -> Result<(), Failure> {
    let arguments = &words[1..];
    match words[0].as_str() {
        "send" => {
            let message_size = if arguments.len() > 2 { argument(arguments, 2)? } else { MESSAGE_SIZE };
            let (length, seed) = (argument(arguments, 0)?, argument(arguments, 1)?);
            endpoint.connection()?.send(id, Send::Pattern { length, seed, message_size });
        }
        "max-size" => endpoint.connection()?.send(id, Send::MaxSize),
        "send-finish" => endpoint.connection()?.send(id, Send::Finish),
        "recv" => endpoint.connection()?.receive(id, Receive::Data { length: Some(argument(arguments, 0)?) }),
        "recv-all" => endpoint.connection()?.receive(id, Receive::Data { length: None }),
        "echo" => endpoint.connection()?.receive(id, Receive::Echo),
        "recv-close" => endpoint.connection()?.receive(id, Receive::Close),
        "recv-drop" => endpoint.connection()?.receive(id, Receive::Drop),
        _ => {
            let (endpoint, words) = (endpoint.clone(), words.to_vec());
            tokio::spawn(async move { report::reply(id, control(&endpoint, &words).await) });
        }
    }
    Ok(())
}

/// Commands that do not belong to one half of the connection.
async fn control(endpoint: &Endpoint, words: &[String]) -> Reply {
    let arguments = &words[1..];
    match words[0].as_str() {
        "config" => configure(endpoint, arguments)?,
        "listen" => return endpoint.listen(&argument::<String>(arguments, 0)?).await,
        "policy" => endpoint.set_policy(match argument::<String>(arguments, 0)?.as_str() {
            "accept" => Policy::Accept,
            "refuse" => Policy::Refuse,
            other => return Err(Failure::new("Usage", format!("no policy {other}"))),
        }),
        "stop-listening" => endpoint.stop_listening(),
        "resume-listening" => endpoint.resume_listening(),
        "new-server" => endpoint.start_server(),
        "connect" => return endpoint.connect(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await,
        "add-link" => return endpoint.add_link(&argument::<String>(arguments, 0)?).await,
        "terminate" => {
            if !api::terminate(&endpoint.connection()?.control) {
                return Err(Failure::new("Unsupported", "this version has no terminate"));
            }
        }
        "links" => return endpoint.list_links(),
        "working-links" => return endpoint.working_links(argument(arguments, 0)?).await,
        "block" => endpoint.link(argument(arguments, 0)?)?.set_blocked(true),
        "unblock" => endpoint.link(argument(arguments, 0)?)?.set_blocked(false),
        "disconnect" => endpoint.link(argument(arguments, 0)?)?.disconnect().await,
        other => return Err(Failure::new("Usage", format!("no command {other}"))),
    }
    Ok(Object::new())
}

fn configure(endpoint: &Endpoint, arguments: &[String]) -> Result<(), Failure> {
    for option in arguments {
        let (name, value) = option.split_once('=').ok_or_else(|| Failure::new("Usage", option))?;
        let value = value.parse().map_err(|error| Failure::new("Usage", error))?;
        endpoint.set_option(name, value).map_err(|message| Failure::new("Usage", message))?;
    }
    Ok(())
}

fn argument<T>(arguments: &[String], index: usize) -> Result<T, Failure>
where
    T: FromStr,
    T::Err: Display,
{
    let text = arguments.get(index).ok_or_else(|| Failure::new("Usage", "an argument is missing"))?;
    text.parse().map_err(|error| Failure::new("Usage", error))
}
