//! What the adapter delivers, whatever client crate is inside.
//!
//! | | property | proven in |
//! |---|---|---|
//! | 1 | session, granted timeout and send time at every attach | [`attaching`] |
//! | 2 | a silent server is left, and none is waited for | [`silence`] |
//! | 3 | retries are paced, and burn no processor time | [`retries`] |
//! | 4 | no reply is taken for another's, and nothing outlives its connection | [`replies`] |
//! | 5 | the end of the session ends the client, and the end of the user ends the session | [`ending`] |
//! | 6 | names are resolved anew, and all addresses are tried | [`attaching`], and the tests of `servers` |
//! | 7 | a deadline and an outcome for every request | [`replies`] |
//! | 8 | a timeout of 1 s is usable | [`silence`] |
//! | 9 | what a server says is checked, and why it is of no use is said | [`distrust`] |
//! | 10 | a session is given up with its lease, and closed at once | [`giving_up`] |

mod attaching;
mod distrust;
mod ending;
mod giving_up;
mod replies;
mod retries;
mod silence;
