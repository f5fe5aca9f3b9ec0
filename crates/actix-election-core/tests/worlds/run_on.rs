//! What must happen in the end, once nothing goes wrong any more.

use crate::action::Action;
use crate::seen::Seen;
use crate::world::{Broken, World};

/// How many ticks it may take until a master is there: the old session's expiry, and pauses.
const PATIENCE: u32 = 30;

impl World {
    /// Puts everything right and lets the world run on in order. In the end there has to be one master if anybody
    /// competes, everybody else has to know that it is standby, and nothing is left of those who left.
    pub(crate) fn run_on(mut self) -> Result<(), Broken> {
        let seen = &mut Seen::default();
        self.faults_left = 0;
        self.ensemble.deny(false);
        if self.ensemble.lock().is_some_and(|lock| lock.stat.ephemeral_owner == 0) {
            self.happen(Action::Delete(0), seen)?;
        }
        self.ticks_left = PATIENCE;
        while self.ticks_left > 0 {
            self.quiesce(seen)?;
            self.happen(Action::Tick, seen)?;
        }
        self.quiesce(seen)?;
        self.in_order()
    }

    /// Lets everything happen that does not take time.
    pub(crate) fn quiesce(&mut self, seen: &mut Seen) -> Result<(), Broken> {
        for _ in 0..500 {
            let next = self.actions(|_| false).into_iter().find(|action| *action != Action::Tick);
            let Some(action) = next else { return Ok(()) };
            self.happen(action, seen)?;
        }
        Err("it never comes to rest".into())
    }

    fn in_order(&self) -> Result<(), Broken> {
        let told = |p: usize| self.processes[p].role.as_ref().and_then(|role| role.master);
        let competing: Vec<usize> =
            (0..self.processes.len()).filter(|p| self.processes[*p].campaigning).collect();
        let masters: Vec<usize> = (0..self.processes.len())
            .filter(|p| self.processes[*p].valid_until(self.now).is_some())
            .collect();
        if masters.len() != competing.len().min(1) || masters.iter().any(|p| !competing.contains(p)) {
            return Err(format!("in the end {masters:?} of {competing:?} are masters"));
        }
        if let Some(p) = competing.iter().find(|p| told(**p) != Some(masters.contains(p))) {
            return Err(format!("in the end process {p} has been told {:?}", told(*p)));
        }
        let line = self.ensemble.line();
        if line.len() != if self.ensemble.queue { competing.len() } else { masters.len() } {
            return Err(format!("in the end there are {line:?}"));
        }
        let head = self.ensemble.lock().map(|lock| lock.stat.czxid);
        if head != masters.first().and_then(|p| self.processes[*p].held).map(|held| held.token.as_i64()) {
            return Err("in the end somebody else is master than leads".into());
        }
        Ok(())
    }
}
