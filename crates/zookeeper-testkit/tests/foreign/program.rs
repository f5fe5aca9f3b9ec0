//! A program that is run, read and, where it takes a script, told what to do next.

use std::io::{PipeReader, Read, Write, pipe};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Far beyond what any step takes: a client that hangs fails the test.
const DEADLINE: Duration = Duration::from_secs(60);

/// A running program; killed when dropped.
pub(crate) struct Program {
    child: Child,
    input: ChildStdin,
    chunks: Receiver<Vec<u8>>,
    /// Everything it said, to either output.
    text: String,
}

impl Program {
    /// Starts it, with both outputs in one, in the order in which it wrote them. `remedy` is what to do where there is
    /// no such program.
    pub(crate) fn start(mut command: Command, remedy: &str) -> Self {
        let (output, writer) = pipe().unwrap();
        command.stdin(Stdio::piped()).stdout(writer.try_clone().unwrap()).stderr(writer);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}. {remedy}"));
        // The command holds the pipe's other end, too: while it lives, the pipe has no end.
        drop(command);
        let input = child.stdin.take().unwrap();
        let (sender, chunks) = channel();
        std::thread::spawn(move || read_all(output, |chunk| sender.send(chunk).is_ok()));
        Self { child, input, chunks, text: String::new() }
    }

    /// Writes a line to its input.
    pub(crate) fn say(&mut self, line: &str) {
        if let Err(error) = writeln!(self.input, "{line}") {
            panic!("cannot say {line:?}: {error}\n{}", self.text);
        }
    }

    /// Everything it has said so far, as soon as `enough` of that; fails where it ends before.
    pub(crate) fn wait_for(&mut self, what: &str, enough: impl Fn(&str) -> bool) -> &str {
        let give_up = Instant::now() + DEADLINE;
        while !enough(&self.text) {
            assert!(self.read_until(give_up, what), "it ended before {what}:\n{}", self.text);
        }
        &self.text
    }

    /// Everything that was read of what it said.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Everything it said, once it has ended well.
    pub(crate) fn finish(mut self, remedy: &str) -> String {
        let give_up = Instant::now() + DEADLINE;
        while self.read_until(give_up, "its end") {}
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}. {remedy}\n{}", self.text);
        std::mem::take(&mut self.text)
    }

    fn read_until(&mut self, give_up: Instant, what: &str) -> bool {
        match self.chunks.recv_timeout(give_up.saturating_duration_since(Instant::now())) {
            Ok(chunk) => self.text.push_str(&String::from_utf8_lossy(&chunk)),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => panic!("no {what} within {DEADLINE:?}:\n{}", self.text),
        }
        true
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only for a process that has been reaped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_all(mut output: PipeReader, mut take: impl FnMut(Vec<u8>) -> bool) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = output.read(&mut buffer) {
        if !take(buffer[..length].to_vec()) {
            return;
        }
    }
}
