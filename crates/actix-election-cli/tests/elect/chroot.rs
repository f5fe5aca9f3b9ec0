//! A chroot that is mistyped is not "no master"; one that is missing is created by a candidate, and by nobody else.

use zookeeper_testkit::wire::{Acl, CreateMode};

use crate::harness::{Running, client, elect, one_line, path, run, server, untimed};

#[tokio::test]
async fn who_asks_below_a_chroot_that_does_not_exist_is_told() {
    let chroot = path("mistyped");
    let connect = format!("{}{chroot}/x", server().await);
    for args in [
        &["status", "/m", "--zookeeper", &connect][..],
        &["status", "/m", "--json", "--zookeeper", &connect],
        &["resign", "/m", "--zookeeper", &connect],
    ] {
        let output = run(&mut elect(args));
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert_eq!(one_line(&output), format!("elect: the chroot {chroot}/x does not exist\n"), "{args:?}");
    }
    let mut client = client().await;
    assert_eq!(client.exists(&chroot).await.unwrap(), None, "asking creates nothing");
    for parent in [chroot.clone(), format!("{chroot}/x")] {
        client.create(&parent, b"", &Acl::open(), CreateMode::Persistent).await.unwrap();
    }
    let status = |args: &[&str]| run(elect(&["status", "/m", "--zookeeper", &connect]).args(args));
    assert_eq!(status(&["--json"]).stdout, b"{\"master\":null,\"candidates\":[]}\n");
    assert_eq!(status(&[]).status.code(), Some(3), "now there is no master");
    let resign = run(&mut elect(&["resign", "/m", "--zookeeper", &connect]));
    assert_eq!(resign.status.code(), Some(0), "{resign:?}");
}

#[tokio::test]
async fn watch_says_so_and_follows_the_candidate_that_creates_it() {
    let chroot = path("awaited");
    let connect = format!("{}{chroot}", server().await);
    let mut watch = Running::start(&mut elect(&["watch", "/m", "--zookeeper", &connect]));
    assert_eq!(untimed(&watch.line()), "master: none");
    let said = watch.error_line();
    assert!(said.contains("WARN") && said.contains(&format!("the chroot {chroot} does not exist")), "{said}");
    assert_eq!(client().await.exists(&chroot).await.unwrap(), None, "watching creates nothing");

    let mut candidate = Running::start(&mut elect(&["campaign", "/m", "--json", "--zookeeper", &connect]));
    let token = candidate.event("became_master")["token"].clone();
    assert_eq!(untimed(&watch.line()), format!("master: (no address), token {token}"));
    assert_eq!(candidate.terminate(), Some(0));
    assert_eq!(watch.terminate(), Some(0));
    assert_eq!(watch.errors(), "", "it is said once");
}
