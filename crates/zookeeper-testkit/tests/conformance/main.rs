//! The in-process server and a real ZooKeeper, told apart by nothing that a client can see.
//!
//! Every check runs on both. What a check says is what ZooKeeper does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers outside of #[test] say what they expect by unwrapping, too"
)]

#[path = "../common/mod.rs"]
mod common;

mod access;
mod errors;
mod lasting_watches;
mod members;
mod nodes;
mod reads;
mod restarts;
mod sessions;
mod watches;
mod words;

use common::frames::Frames;
use common::{TIMEOUT, path};

macro_rules! on_both {
    ($($module:ident: $($check:ident),*;)*) => {
        mod in_process {
            $($(
                #[tokio::test]
                async fn $check() {
                    let builder = zookeeper_testkit::TestServer::builder();
                    let server = builder.max_session_timeout(crate::TIMEOUT).start().await.unwrap();
                    crate::$module::$check(server.address()).await;
                }
            )*)*
        }
        mod real {
            /// Zxids are counted: one check at a time.
            static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
            $($(
                #[tokio::test]
                async fn $check() {
                    let _alone = ALONE.lock().await;
                    crate::$module::$check(crate::common::server().await).await;
                }
            )*)*
        }
    };
}

on_both!(
    sessions: handshakes, timeouts_are_clamped, sessions_are_attached_to, a_wrong_password_throws_the_client_out, clients_ahead_are_closed, sessions_expire, closing_ends_everything_of_a_session, frames_may_be_split_and_joined, frames_that_are_too_long_or_make_no_sense;
    nodes: zxids_count_writes, numbers_of_sequential_nodes, stats, null_data, multis, multis_that_fail, containers, syncs, initial_nodes, children_are_told_in_no_order;
    errors: errors_of_creates, errors_of_deletes, errors_of_the_others, paths_that_are_no_text, unknown_operations;
    access: acls, credentials;
    watches: watches_of_data, watches_of_children, watches_fire_once, watches_are_taken_back, events_are_for_those_who_may_read, events_come_before_replies, set_watches_tells_what_was_missed;
    lasting_watches: persistent_watches, recursive_watches, lasting_watches_and_others, lasting_watches_are_taken_back, set_watches_arms_lasting_ones, lasting_watches_tell_those_who_may_read;
    reads: several_reads_at_once, ephemerals_of_ones_own, all_below_are_counted, reconfig_is_disabled;
    words: four_letter_words, figures_that_monitors_read;
);

/// The path of a new node.
async fn node(client: &mut Frames, name: &str) -> String {
    let path = path(name);
    assert_eq!(client.create(&path).await.string(), path);
    path
}
