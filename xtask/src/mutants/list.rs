//! The mutants, and the suite that has to catch each.
//!
//! The model has to find what breaks a promise. A table has to catch what breaks a rule that no promise shows, or only
//! in a world that chance would have to find.

/// One mistake.
pub(super) struct Mutant {
    pub(super) name: &'static str,
    /// File below `src`, what stands there, and what is put in its place.
    pub(super) changes: &'static [(&'static str, &'static str, &'static str)],
    pub(super) caught_by: Suite,
}

/// What has to catch a mutant.
pub(super) enum Suite {
    /// The model: the random world of this seed, where it was found last, or else some other world.
    World(u64),
    /// The model: the small world that this test explores, or else some other world.
    Explored(&'static str),
    /// The tables of this integration test.
    Table(&'static str),
}

const CANDIDATE: Suite = Suite::Table("candidate");
const SESSION: Suite = Suite::Table("session");

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "a ping counts as proof",
        changes: &[
            (
                "session.rs",
                "SessionInput::Received => self.received(now),",
                "SessionInput::Received => {
                self.received(now);
                self.probe_answered(now, now);
            }",
            ),
            ("session.rs", "let probe = self.candidates > 0 || !*proven;", "let probe = !*proven;"),
        ],
        caught_by: Suite::World(2),
    },
    Mutant {
        name: "T counted from the disconnect",
        changes: &[
            (
                "lease.rs",
                "pub fn detached(&mut self) {",
                "pub fn detached(&mut self, now: Timestamp) {
        self.extend(now);",
            ),
            ("session.rs", "SessionInput::Detached => self.detached(),", "SessionInput::Detached => self.detached(now),"),
            ("session.rs", "return self.detached();", "return self.detached(now);"),
            ("session.rs", "fn detached(&mut self) {", "fn detached(&mut self, now: Timestamp) {"),
            (
                "session.rs",
                "lease.detached();",
                "let before = Some(lease.end());
        lease.detached(now);
        self.pass_on_lease(before);
        let Some(lease) = &self.lease else { return };",
            ),
        ],
        caught_by: Suite::World(7),
    },
    Mutant {
        name: "requested instead of granted T",
        changes: &[("candidate/mod.rs", "        self.timeout = timeout;\n", "        let _ = timeout;\n")],
        caught_by: Suite::World(1),
    },
    Mutant {
        name: "the last T granted instead of the smallest",
        changes: &[(
            "lease.rs",
            "        if timeout < self.timeout {
            self.timeout = timeout;
",
            "        let shorter = timeout < self.timeout;
        self.timeout = timeout;
        if shorter {
",
        )],
        caught_by: Suite::World(266),
    },
    Mutant {
        name: "a shorter grant that does not cut the lease",
        changes: &[("lease.rs", "            self.end = self.end.min(lease_end(sent, timeout));\n", "")],
        caught_by: SESSION,
    },
    Mutant {
        name: "identity by data",
        changes: &[(
            "candidate/lock.rs",
            "} else if Some(SessionId(ephemeral_owner)) == self.session {",
            "} else if znode.data == self.data {",
        )],
        caught_by: Suite::World(2),
    },
    Mutant {
        name: "two probes instead of three",
        changes: &[(
            "lease.rs",
            "let i = self.probes.iter().rev().skip(1).find(|i| i.answered <= j.sent)?;",
            "let i = j;",
        )],
        caught_by: Suite::Explored("starved_worlds"),
    },
    Mutant {
        name: "probes of two connections mixed: an old answer counts on the new one",
        changes: &[(
            "session.rs",
            "        let (Link::Up { proven, .. }, Some(lease)) = (&mut self.link, &mut self.lease) else { return };
        *proven = true;",
            "        if let Link::Up { proven, .. } = &mut self.link {
            *proven = true;
        }
        let Some(lease) = &mut self.lease else { return };",
        )],
        caught_by: Suite::World(1),
    },
    Mutant {
        name: "a delete retried over a reconnect",
        changes: &[(
            "candidate/lock.rs",
            "        self.pending = None;\n        self.follow_up = None;",
            "        let under_way = self.pending.take().map(|(_, step)| step).or(self.follow_up.take());
        self.follow_up = under_way.filter(|step| *step == Step::Delete);",
        )],
        caught_by: Suite::World(4),
    },
    Mutant {
        name: "the lease still valid after the acknowledgement",
        changes: &[(
            "candidate/mod.rs",
            "            if let Some(Term { ending: Some(ending), .. }) = self.term {
                self.end_term(ending);
            }
        }
        self.begin_term();",
            "        }
        self.begin_term();",
        )],
        caught_by: Suite::World(1),
    },
    Mutant {
        name: "the lock let go before the lease is over",
        changes: &[(
            "candidate/mod.rs",
            "            Some(_) => Want::Keep,\n",
            "            Some(Term { ending: None, .. }) => Want::Keep,\n            Some(_) => Want::Follow,\n",
        )],
        caught_by: Suite::World(1),
    },
    Mutant {
        name: "a gap of T/10",
        changes: &[("timeout.rs", "self.0 / 4 + self.margin()", "self.0 / 10")],
        caught_by: Suite::World(2_004),
    },
    Mutant {
        name: "queue: promoted although our own znode may have gone",
        changes: &[(
            "candidate/queue/mod.rs",
            "if ahead.count == 1 && own_stands {",
            "let _ = own_stands;\n        if ahead.count == 1 {",
        )],
        caught_by: Suite::World(128),
    },
    Mutant {
        name: "queue: promoted although more than one stood before us",
        changes: &[("candidate/queue/mod.rs", "if ahead.count == 1 && own_stands {", "if own_stands {")],
        caught_by: Suite::World(11),
    },
    Mutant {
        name: "queue: identity by name",
        changes: &[(
            "candidate/queue/mod.rs",
            "if Some(SessionId(stat.ephemeral_owner)) == self.session {\n            let token",
            "if name.starts_with(&self.prefix) {\n            let token",
        )],
        caught_by: Suite::World(1_402),
    },
    Mutant {
        name: "queue: the znode let go under a running term",
        changes: &[(
            "candidate/queue/mod.rs",
            "want == Want::Follow || want == Want::Compete && matches",
            "want != Want::Compete || matches",
        )],
        caught_by: Suite::World(1),
    },
    Mutant {
        name: "queue: a term begun with what an earlier connection showed",
        changes: &[("candidate/queue/mod.rs", "(own.seen && !own.retired", "(!own.retired")],
        caught_by: Suite::World(106),
    },
    Mutant {
        name: "a lapsed lease comes back",
        changes: &[
            (
                "lease.rs",
                "        if answered >= self.end {
            return;
        }
",
                "",
            ),
            ("session.rs", "{ lease.end() }", "{ lease.end() + lease.timeout().first_proof() }"),
        ],
        caught_by: Suite::Explored("condemned_worlds"),
    },
    Mutant {
        name: "no base: nothing is in force before the first proof",
        changes: &[
            (
                "lease.rs",
                "        let end = lease_end(sent, timeout);
        LeaseClock { timeout, end, unproven_attach: None,",
                "        let end = Timestamp::from_nanos(0);
        LeaseClock { timeout, end, unproven_attach: Some(sent),",
            ),
            (
                "lease.rs",
                "if answered >= self.end {",
                "if answered >= self.end && self.end != Timestamp::from_nanos(0) {",
            ),
            (
                "session.rs",
                "self.lease.as_ref().map(LeaseClock::end)",
                "self.lease.as_ref().map(LeaseClock::end).filter(|end| *end != Timestamp::from_nanos(0))",
            ),
            (
                "session.rs",
                "Some(if self.candidates > 0 { lease.end() } else { self.heard + lease.timeout().span() })",
                "let end = self.lease_until().filter(|_| self.candidates > 0);
        Some(end.unwrap_or(self.heard + lease.timeout().span() + lease.timeout().first_proof()))",
            ),
            (
                "session.rs",
                "self.lease.as_ref().is_some_and(short)",
                "self.lease_until().is_some() && self.lease.as_ref().is_some_and(short)",
            ),
        ],
        caught_by: Suite::Explored("unproven_worlds"),
    },
    Mutant {
        name: "j is judged by when it was sent",
        changes: &[
            ("lease.rs", "if answered >= self.end {", "if sent >= self.end {"),
            ON_TIME_ONLY,
        ],
        caught_by: Suite::Explored("worlds_that_answer_late"),
    },
    Mutant {
        name: "the clock read before the answer",
        changes: &[
            (
                "session.rs",
                "let (Link::Up { proven, .. }, Some(lease)) =",
                "let (Link::Up { proven, kept_alive: now, .. }, Some(lease)) =",
            ),
            ("session.rs", "lease.probe_answered(sent, now);", "lease.probe_answered(sent, *now);"),
            ON_TIME_ONLY,
        ],
        caught_by: Suite::Explored("worlds_that_answer_late"),
    },
    Mutant {
        name: "a creation counted from its answer",
        changes: &[("session.rs", "LeaseClock::created(sent, timeout)", "LeaseClock::created(now, timeout)")],
        caught_by: Suite::Explored("worlds_that_attach_late"),
    },
    Mutant {
        name: "an attach counted from its answer",
        changes: &[("session.rs", "lease.attached(sent, timeout),", "lease.attached(now, timeout),")],
        caught_by: Suite::Explored("worlds_that_attach_late"),
    },
    Mutant {
        name: "roles told that the term is over before its lease is",
        changes: &[(
            "candidate/term.rs",
            "        self.end_term(term.ending.unwrap_or(Ending { reason, at: self.now, pause: Duration::ZERO }));
        self.tell_masters(reason);
",
            "        self.tell_masters(reason);
        self.end_term(term.ending.unwrap_or(Ending { reason, at: self.now, pause: Duration::ZERO }));
",
        )],
        caught_by: CANDIDATE,
    },
    Mutant {
        name: "any lock of ours is deleted, not just the one that is let go",
        changes: &[("candidate/lock.rs", "View::Ours(_) if self.view == before =>", "View::Ours(_) =>")],
        caught_by: CANDIDATE,
    },
    Mutant {
        name: "a master's restarted role goes on unnoticed",
        changes: &[("candidate/failure.rs", "Some(Told::Master) => self.fail(),", "Some(Told::Master) => {}")],
        caught_by: CANDIDATE,
    },
    Mutant {
        name: "queue: nobody minds that our own znode was deleted",
        changes: &[(
            "candidate/queue/mod.rs",
            "            if event == WatchEvent::Deleted {
                self.own_is_gone();
            }
",
            "",
        )],
        caught_by: CANDIDATE,
    },
    Mutant {
        name: "queue: another znode of our name and session passes for our own",
        changes: &[(
            "candidate/queue/mod.rs",
            "
            && znode.stat.czxid == own.token.as_i64()",
            "",
        )],
        caught_by: CANDIDATE,
    },
    Mutant {
        name: "queue: our present znode is cleared away like one that was left over",
        changes: &[("candidate/queue/mod.rs", " && **name != own.name", "")],
        caught_by: CANDIDATE,
    },
    Mutant {
        name: "an heir takes it that no lock is left",
        changes: &[(
            "candidate/lock.rs",
            "pub(super) fn inherit(&mut self) {
        self.maybe_ours = true;",
            "pub(super) fn inherit(&mut self) {",
        )],
        caught_by: CANDIDATE,
    },
    Mutant {
        name: "an heir takes it that nothing is left in the queue",
        changes: &[(
            "candidate/queue/mod.rs",
            "pub(super) fn inherit(&mut self) {
        self.maybe_created = true;",
            "pub(super) fn inherit(&mut self) {",
        )],
        caught_by: CANDIDATE,
    },
    Mutant {
        name: "no pause after an answer that says nothing",
        changes: &[("candidate/pace.rs", "*reply == Reply::Unknown || ", "")],
        caught_by: CANDIDATE,
    },
    Mutant {
        name: "no pause after answers without end",
        changes: &[("candidate/pace.rs", " || self.answers > FREE_ANSWERS", "")],
        caught_by: CANDIDATE,
    },
    Mutant {
        name: "queue: a watch left on a znode of ours that has gone",
        changes: &[("candidate/queue/mod.rs", "Step::Recover | Step::Own if self.own_unreadable", "Step::Recover | Step::Own")],
        caught_by: CANDIDATE,
    },
];

/// The monitor gives a session up in good time by its timer alone: what comes late is still taken in.
const ON_TIME_ONLY: (&str, &str, &str) = (
    "session.rs",
    "if self.lost_at().is_some_and(|at| now >= at) {",
    "if input == SessionInput::Timer && self.lost_at().is_some_and(|at| now >= at) {",
);
