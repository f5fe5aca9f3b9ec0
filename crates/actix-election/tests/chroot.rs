//! Whether the chroot of a session exists.

#![allow(clippy::expect_used, reason = "and what was missing")]
#![allow(clippy::unwrap_used, reason = "helpers outside of #[test] say what they expect by unwrapping, too")]

mod common;

use actix_election::prelude::*;
use actix_election::{candidates, chroot_exists};
use common::{LONG, Role, client, path, server, soon};

fn session(server: &str) -> Session {
    Session::builder(server).session_timeout(LONG).start().unwrap()
}

#[actix::test]
async fn it_is_there_once_a_candidate_has_created_it() {
    let chroot = path("chroot");
    let session = session(&format!("{}{chroot}/x", server().await));
    let exists = async || soon(chroot_exists(&session, LONG), "an answer").await.unwrap();
    assert!(!exists().await);
    assert_eq!(soon(candidates(&session, "/m", LONG), "an answer").await.unwrap(), []);
    assert!(!exists().await, "to ask creates nothing");
    assert_eq!(client().await.exists(&chroot).await.unwrap(), None);

    let mut role = Role::start();
    let _election = Election::builder("/m").role(&role.address).campaign(&session).await.unwrap();
    role.master().await;
    assert!(exists().await);
    soon(session.close(), "closed").await;
    assert!(chroot_exists(&session, LONG).await.is_err(), "a closed session says nothing");
}

#[actix::test]
async fn without_a_chroot_it_is_the_root() {
    let session = session(&server().await.to_string());
    assert!(soon(chroot_exists(&session, LONG), "an answer").await.unwrap());
    soon(session.close(), "closed").await;
}
