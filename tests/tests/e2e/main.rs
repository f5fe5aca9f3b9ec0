//! End to end: `elect` processes on real ZooKeeper servers, under real faults.
//!
//! Each test ends in [`World::finish`](election_tests::World::finish), which judges what every process said and that
//! nothing is left at the servers. `scenarios` does the same on the in-process server, whose faults go where no real
//! server's can be made to go on time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod by_hand;
mod churn;
mod condemned;
mod crash;
mod grants;
mod handover;
mod pauses;
mod recovery;
mod replies;
mod roles;
mod scenarios;
mod servers;
mod slow;

/// Runs a test, again if it failed while the machine stalled for more milliseconds than it tolerates.
macro_rules! run {
    ($test:path, $strategy:ident) => {
        $test(election_tests::Strategy::$strategy).await
    };
    ($test:path, $strategy:ident, $tolerates:literal) => {
        zookeeper_testkit::stall::when_the_machine_runs(
            std::time::Duration::from_millis($tolerates),
            async |_| run!($test, $strategy),
        )
        .await
    };
}

/// Each of these with both strategies. Those that count on being served in time say what stall they tolerate, in ms: about
/// T/50, which is also how late the ensemble's leader may be with its pings.
macro_rules! with_both_strategies {
    ($($module:ident: $($test:ident $([$tolerates:literal])?),*;)*) => {
        mod lock {
            $($(
                #[tokio::test]
                async fn $test() {
                    run!(crate::$module::$test, Lock $(, $tolerates)?);
                }
            )*)*
        }
        mod queue {
            $($(
                #[tokio::test]
                async fn $test() {
                    run!(crate::$module::$test, Queue $(, $tolerates)?);
                }
            )*)*
        }
    };
}

with_both_strategies!(
    by_hand: the_lock_is_deleted, the_lock_is_overwritten, an_ephemeral_parent_squats_on_the_path;
    condemned: a_condemned_session_is_served[80];
    churn: two_hundred_quick_starts_and_stops;
    crash: kill_dash_nine[40], while_a_standby_reconnects;
    grants: a_greater_grant_and_then_a_restart[320];
    handover: sigterm, nine_candidates_each_win_once, resign_from_outside[200];
    pauses: stopped_for_twice_the_timeout[40], stopped_for_a_fifth_of_the_timeout[200];
    recovery: the_session_is_expired_while_the_connection_is_fine, no_server_at_the_start[40], the_ensemble_is_wiped[40], a_smaller_grant_and_then_silence[40], the_election_path_is_deleted, a_denied_acl_is_put_right;
    replies: the_reply_to_the_create_is_lost, the_reply_to_the_delete_is_lost;
    roles: it_panics_or_stops, it_blocks_its_thread[40], every_handle_is_dropped;
    scenarios: two_candidates_live_through_random_faults[40];
    servers: the_masters_server_is_killed[200], the_masters_server_is_frozen[200], each_server_is_restarted_in_turn[200], the_quorum_is_lost_for_twice_the_timeout[40], the_ensembles_leader_is_frozen_for_a_moment[200];
    slow: a_slow_candidate_does_not_keep_others_from_leading[40];
);
