//! Watches that last, left by `addWatch`: of a node, or of all that is below it as well.

use std::net::SocketAddr;

use zookeeper_testkit::wire::{Acl, ErrorCode, OpCode};

use crate::common::frames::{Frames, create, set_acl, set_watches_2, versioned};
use crate::common::path;
use crate::node;

const PERSISTENT: i32 = 0;
const RECURSIVE: i32 = 1;

pub(crate) async fn persistent_watches(server: SocketAddr) {
    let (mut client, mut other) = (Frames::connect(server).await, Frames::connect(server).await);
    let name = path("persistent");
    let child = format!("{name}/a");
    let added = client.add_watch(&name, PERSISTENT).await;
    assert_eq!(added.decode(|body| body.int().unwrap()), 0, "it need not be there");
    for _ in 0..2 {
        other.create(&name).await;
        other.set(&name, b"").await;
        other.create(&child).await;
        other.set(&child, b"").await;
        other.delete(&child).await;
        other.delete(&name).await;
        let seen = client.ping().await.events;
        assert_eq!(
            seen,
            [1, 3, 4, 4, 2].map(|kind| (kind, name.clone())),
            "of its children only which there are"
        );
    }
}

pub(crate) async fn recursive_watches(server: SocketAddr) {
    let (mut client, mut other) = (Frames::connect(server).await, Frames::connect(server).await);
    let base = node(&mut other, "recursive").await;
    let [child, grandchild] = ["a", "a/b"].map(|name| format!("{base}/{name}"));
    client.add_watch(&base, RECURSIVE).await;
    for _ in 0..2 {
        other.set(&base, b"").await;
        other.create(&child).await;
        other.create(&grandchild).await;
        other.set(&grandchild, b"").await;
        other.delete(&grandchild).await;
        other.delete(&child).await;
        let all =
            [(3, &base), (1, &child), (1, &grandchild), (3, &grandchild), (2, &grandchild), (2, &child)];
        assert_eq!(client.ping().await.events, all.map(|(kind, path)| (kind, path.clone())));
    }
    other.create(&format!("{base}-beside")).await;
    other.delete(&base).await;
    other.create(&base).await;
    assert_eq!(client.ping().await.events, [(2, base.clone()), (1, base.clone())], "it outlives its node");
    // One event for a watcher, however many of its watches concern it.
    client.add_watch("/", RECURSIVE).await;
    client.add_watch(&base, PERSISTENT).await;
    assert_eq!(client.set(&base, b"").await.events, [(3, base.clone())]);
    assert_eq!(client.create(&child).await.events, [(1, child.clone()), (4, base.clone())]);
}

pub(crate) async fn lasting_watches_and_others(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let base = node(&mut client, "modes").await;
    let child = format!("{base}/a");
    // There is one watch for a path, and the latest says how it is.
    client.add_watch(&base, PERSISTENT).await;
    client.watch(OpCode::GetData, &base).await;
    assert_eq!(client.set(&base, b"").await.events, [(3, base.clone())]);
    assert_eq!(client.set(&base, b"").await.events, [], "it was the one of the read");
    assert_eq!(
        client.create(&child).await.events,
        [(4, base.clone())],
        "that of children is the lasting one"
    );
    client.add_watch(&base, RECURSIVE).await;
    assert_eq!(client.delete(&child).await.events, [(2, child.clone())], "it has become another");
    client.watch(OpCode::GetChildren, &base).await;
    assert_eq!(client.create(&child).await.events, [(1, child.clone()), (4, base.clone())]);
    assert_eq!(client.delete(&child).await.events, [(2, child.clone())]);
    assert_eq!(client.add_watch(&base, 2).await.error(), Some(ErrorCode::MarshallingError));
    assert_eq!(client.add_watch("relative", RECURSIVE).await.error(), None, "nobody looks at the path");
}

pub(crate) async fn lasting_watches_are_taken_back(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let base = node(&mut client, "back").await;
    let child = format!("{base}/a");
    let (children, data, any, none) = (1, 2, 3, Some(ErrorCode::NoWatcher));
    for mode in [PERSISTENT, RECURSIVE] {
        client.add_watch(&base, mode).await;
        assert_eq!(client.call(OpCode::CheckWatches, versioned(&base, any)).await.error(), None);
        assert_eq!(client.call(OpCode::CheckWatches, versioned(&child, any)).await.error(), none);
        assert_eq!(client.call(OpCode::RemoveWatches, versioned(&child, any)).await.error(), none);
        assert_eq!(client.call(OpCode::RemoveWatches, versioned(&base, any)).await.error(), None);
        assert_eq!(client.set(&base, b"").await.events, []);
        assert_eq!(client.call(OpCode::RemoveWatches, versioned(&base, any)).await.error(), none);
    }
    // Either half goes alone.
    client.add_watch(&base, PERSISTENT).await;
    assert_eq!(client.call(OpCode::RemoveWatches, versioned(&base, data)).await.error(), None);
    assert_eq!(client.set(&base, b"").await.events, []);
    assert_eq!(client.create(&child).await.events, [(4, base.clone())]);
    assert_eq!(client.call(OpCode::RemoveWatches, versioned(&base, children)).await.error(), None);
    assert_eq!(client.delete(&child).await.events, []);
}

pub(crate) async fn set_watches_arms_lasting_ones(server: SocketAddr) {
    let (mut client, mut other) = (Frames::connect(server).await, Frames::connect(server).await);
    let [one, all, read] = [path("one"), path("all"), path("read")];
    for path in [&one, &all, &read] {
        other.create(path).await;
    }
    client.add_watch(&one, PERSISTENT).await;
    client.add_watch(&all, RECURSIVE).await;
    let since = client.ping().await.header.zxid;
    let mut back = client.attach(server).await;
    assert!(client.is_closed().await);
    for path in [&one, &all, &read] {
        other.set(path, b"").await;
    }
    assert_eq!(back.ping().await.events, [], "watches end with their connection");
    let once: [&[&String]; 3] = [&[&read, &one], &[], &[]];
    let body = set_watches_2(since, once, [&[&one], &[&all]]);
    back.write(&Frames::encoded(-8, OpCode::SetWatches2, body)).await;
    let answer = back.answer(-8).await;
    assert_eq!(answer.error(), None);
    assert_eq!(
        answer.events,
        [(3, read.clone()), (3, one.clone())],
        "the lasting ones tell nothing of the past"
    );
    let child = format!("{all}/a");
    for _ in 0..2 {
        other.set(&one, b"").await;
        other.create(&child).await;
        other.delete(&child).await;
        assert_eq!(back.ping().await.events, [(3, one.clone()), (1, child.clone()), (2, child.clone())]);
    }
    // Without its last two parts it makes no sense.
    let body = crate::common::frames::set_watches::<&str>(since, &[], &[], &[]);
    let cut = back.call(OpCode::SetWatches2, body).await;
    assert_eq!(cut.error(), Some(ErrorCode::MarshallingError));
}

pub(crate) async fn lasting_watches_tell_those_who_may_read(server: SocketAddr) {
    let (mut client, mut owner) = (Frames::connect(server).await, Frames::connect(server).await);
    owner.auth("digest", b"user:secret").await;
    let base = node(&mut owner, "guarded").await;
    let child = format!("{base}/a");
    for client in [&mut client, &mut owner] {
        client.add_watch(&base, RECURSIVE).await;
    }
    let created = owner.call(OpCode::Create, create(&child, b"", &Acl::creator(), 0)).await;
    assert_eq!(created.events, [(1, child.clone())]);
    assert_eq!(client.ping().await.events, []);
    owner.call(OpCode::SetAcl, set_acl(&child, &Acl::open(), -1)).await;
    owner.delete(&child).await;
    assert_eq!(client.ping().await.events, [(2, child)], "it is still there");
}
