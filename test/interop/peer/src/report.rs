//! Lines on stdout: replies (`id` and `ok`) and events (`event`).

use std::{
    fmt::{Debug, Display},
    io::Write,
};

use crate::json::Object;

/// Number that the test gave to a command.
pub type CommandId = u64;

/// A failed command: a stable name, and what happened in words.
pub struct Failure {
    pub name: String,
    pub message: String,
    /// What had been done until then.
    pub details: Object,
}

impl Failure {
    pub fn new(name: &str, message: impl Display) -> Self {
        Self { name: name.to_string(), message: message.to_string(), details: Object::new() }
    }

    /// Named after the variant of an error of the reference.
    pub fn of(error: &(impl Debug + Display)) -> Self {
        Self::new(&variant_name(error), error)
    }

    pub fn with(mut self, details: Object) -> Self {
        self.details = details;
        self
    }
}

pub type Reply = Result<Object, Failure>;

pub fn reply(id: CommandId, reply: Reply) {
    match reply {
        Ok(result) => line(result.number("id", id).flag("ok", true)),
        Err(failure) => line(
            failure.details.text("error", &failure.name).text("message", &failure.message).number("id", id).flag("ok", false),
        ),
    }
}

pub fn event(name: &str, event: Object) {
    line(event.text("event", name));
}

/// `ServerIdMismatch { .. }` and `IoError(..)` are named by their first word.
pub fn variant_name(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    let end = text.find(|character: char| !character.is_alphanumeric()).unwrap_or(text.len());
    text[..end].to_string()
}

fn line(object: Object) {
    let mut line = object.finish();
    line.push('\n');
    let mut stdout = std::io::stdout().lock();
    // Nobody listens any more when this fails, and end of input will end the program.
    let _ = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush());
}
