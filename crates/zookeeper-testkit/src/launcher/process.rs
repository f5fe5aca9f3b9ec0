//! One child process: signals, and no way to leave it behind.

use std::io;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// Between two looks at a process that was sent a signal.
const PAUSE: Duration = Duration::from_millis(1);
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// A child process that is killed and reaped when this value is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    paused: bool,
}

impl Process {
    /// Starts it. Where the command ties it to its parent's life, it is tied to the calling *thread*.
    pub(super) fn spawn(command: &mut Command) -> io::Result<Self> {
        Ok(Self { child: command.spawn()?, paused: false })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it did.
    pub(super) fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    /// Stops it in its tracks; returns once all its threads stand still.
    pub(super) fn pause(&mut self) {
        self.signal(Signal::STOP);
        self.paused = true;
        let deadline = Instant::now() + STOP_DEADLINE;
        while self.exited().is_none() && !self.has_stopped() && Instant::now() < deadline {
            std::thread::sleep(PAUSE);
        }
    }

    pub(super) fn resume(&mut self) {
        self.signal(Signal::CONT);
        self.paused = false;
    }

    /// Asks it to end in order.
    pub(super) fn terminate(&mut self) {
        self.resume();
        self.signal(Signal::TERM);
    }

    /// Kills and reaps it. A stopped process is killed as well as a running one.
    pub(super) fn kill(&mut self) {
        // Both fail only for a process that has been reaped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn has_stopped(&self) -> bool {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        matches!(waitid(WaitId::Pid(self.pid()), options), Ok(Some(_)))
    }

    fn signal(&mut self, signal: Signal) {
        // A process that was reaped has lost its number to others.
        if self.exited().is_none() {
            let _ = kill_process(self.pid(), signal);
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
