//! Watches, their events, and the order of these.

use std::net::SocketAddr;

use zookeeper_testkit::wire::{Acl, Encoder, ErrorCode, OpCode};

use crate::common::frames::{Frames, create, set_acl, set_data, set_watches, versioned, watched};
use crate::common::path;
use crate::node;

pub(crate) async fn watches_of_data(server: SocketAddr) {
    let (mut client, mut other) = (Frames::connect(server).await, Frames::connect(server).await);
    let name = path("data");
    assert_eq!(client.watch(OpCode::Exists, &name).await.error(), Some(ErrorCode::NoNode));
    other.create(&name).await;
    assert_eq!(client.event().await, (1, name.clone()));
    for op in [OpCode::Exists, OpCode::GetData] {
        client.watch(op, &name).await;
        other.set(&name, b"").await;
        assert_eq!(client.event().await, (3, name.clone()));
        client.watch(op, &name).await;
        other.create(&format!("{name}/a")).await;
        other.call(OpCode::SetAcl, set_acl(&name, &Acl::open(), -1)).await;
        other.delete(&format!("{name}/a")).await;
        other.delete(&name).await;
        assert_eq!(client.event().await, (2, name.clone()), "children and ACL do not count");
        other.create(&name).await;
    }
    let missing = format!("{name}/missing");
    client.watch(OpCode::GetData, &missing).await;
    client.watch(OpCode::GetChildren, &missing).await;
    other.create(&missing).await;
    assert_eq!(client.ping().await.events, [], "only `exists` watches what is not there");
    client.watch(OpCode::GetData, &name).await;
    other.call(OpCode::SetData, set_data(&name, b"", 99)).await;
    assert_eq!(client.ping().await.events, [], "what fails fires nothing");
}

pub(crate) async fn watches_of_children(server: SocketAddr) {
    let (mut client, mut other) = (Frames::connect(server).await, Frames::connect(server).await);
    let parent = node(&mut client, "children").await;
    let child = format!("{parent}/a");
    for op in [OpCode::GetChildren, OpCode::GetChildren2] {
        client.watch(op, &parent).await;
        other.set(&parent, b"").await;
        other.create(&child).await;
        assert_eq!(client.event().await, (4, parent.clone()));
        client.watch(op, &parent).await;
        other.set(&child, b"").await;
        other.create(&format!("{child}/b")).await;
        other.delete(&format!("{child}/b")).await;
        other.delete(&child).await;
        assert_eq!(client.event().await, (4, parent.clone()));
    }
    client.watch(OpCode::GetChildren, &parent).await;
    other.delete(&parent).await;
    assert_eq!(client.event().await, (2, parent));
    client.watch(OpCode::GetChildren, "/").await;
    let top = node(&mut other, "top").await;
    assert_eq!(client.event().await, (4, "/".to_owned()));
    // The watch of the child goes off before that of its parent.
    client.watch(OpCode::GetChildren, "/").await;
    client.watch(OpCode::GetData, &top).await;
    other.delete(&top).await;
    assert_eq!([client.event().await, client.event().await], [(2, top), (4, "/".to_owned())]);
}

pub(crate) async fn watches_fire_once(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let path = node(&mut client, "once").await;
    client.watch(OpCode::Exists, &path).await;
    client.watch(OpCode::GetData, &path).await;
    client.watch(OpCode::GetData, &path).await;
    assert_eq!(client.set(&path, b"").await.events, [(3, path.clone())]);
    assert_eq!(client.set(&path, b"").await.events, []);
    client.watch(OpCode::GetData, &path).await;
    client.watch(OpCode::GetChildren, &path).await;
    assert_eq!(client.delete(&path).await.events, [(2, path.clone())], "one event for both kinds");
}

pub(crate) fn removed(path: &str, kind: i32) -> Encoder {
    versioned(path, kind)
}

pub(crate) async fn watches_are_taken_back(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let path = node(&mut client, "back").await;
    let (children, data, any) = (1, 2, 3);
    for op in [OpCode::CheckWatches, OpCode::RemoveWatches] {
        for kind in [children, data, any] {
            let answer = client.call(op, removed(&path, kind)).await;
            assert_eq!(answer.error(), Some(ErrorCode::NoWatcher), "{op} {kind}");
        }
    }
    client.watch(OpCode::GetData, &path).await;
    assert_eq!(
        client.call(OpCode::RemoveWatches, removed(&path, children)).await.error(),
        Some(ErrorCode::NoWatcher)
    );
    assert_eq!(client.call(OpCode::CheckWatches, removed(&path, data)).await.error(), None);
    assert_eq!(client.call(OpCode::CheckWatches, removed(&path, any)).await.error(), None);
    let mut other = Frames::connect(server).await;
    assert_eq!(
        other.call(OpCode::CheckWatches, removed(&path, data)).await.error(),
        None,
        "anybody's will do"
    );
    let none = Some(ErrorCode::NoWatcher);
    assert_eq!(other.call(OpCode::RemoveWatches, removed(&path, data)).await.error(), none);
    assert_eq!(client.call(OpCode::RemoveWatches, removed(&path, data)).await.error(), None);
    client.watch(OpCode::GetData, &path).await;
    client.watch(OpCode::GetChildren, &path).await;
    assert_eq!(client.call(OpCode::RemoveWatches, removed(&path, any)).await.error(), None);
    assert_eq!(client.delete(&path).await.events, []);
}

pub(crate) async fn events_come_before_replies(server: SocketAddr) {
    let (mut client, mut other) = (Frames::connect(server).await, Frames::connect(server).await);
    let path = node(&mut client, "order").await;
    client.watch(OpCode::GetData, &path).await;
    assert_eq!(client.set(&path, b"1").await.events, [(3, path.clone())], "its own write");
    client.watch(OpCode::GetData, &path).await;
    other.set(&path, b"2").await;
    let read = client.call(OpCode::GetData, watched(&path, false)).await;
    assert_eq!(read.events, [(3, path.clone())], "before a reply that shows the new state");
    let mut pipelined = Vec::new();
    for xid in 100..110 {
        let op = if xid % 2 == 0 { OpCode::SetData } else { OpCode::Exists };
        let body = if xid % 2 == 0 { set_data(&path, b"", -1) } else { watched(&path, true) };
        pipelined.extend(Frames::encoded(xid, op, body));
    }
    client.write(&pipelined).await;
    for xid in 100..110 {
        let events = client.answer(xid).await.events;
        assert_eq!(events.len(), usize::from(xid % 2 == 0 && xid > 100), "{xid}");
    }
}

pub(crate) async fn set_watches_tells_what_was_missed(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let base = node(&mut client, "away").await;
    let [same, changed, gone, again, new, none, parent, quiet] =
        ["same", "changed", "gone", "again", "new", "none", "parent", "quiet"]
            .map(|name| format!("{base}/{name}"));
    for path in [&same, &changed, &gone, &again, &parent, &quiet] {
        client.create(path).await;
    }
    let since = client.ping().await.header.zxid;
    client.set(&changed, b"").await;
    client.delete(&gone).await;
    client.delete(&again).await;
    client.create(&again).await;
    client.create(&new).await;
    client.create(&format!("{parent}/a")).await;
    let mut back = client.attach(server).await;
    let wanted =
        || set_watches(since, &[&same, &changed, &gone, &again], &[&new, &none], &[&parent, &quiet, &gone]);
    let body = wanted();
    back.write(&Frames::encoded(-8, OpCode::SetWatches, body)).await;
    let answer = back.answer(-8).await;
    assert_eq!(answer.error(), None);
    assert_eq!(
        answer.events,
        [
            (3, changed.clone()),
            (2, gone.clone()),
            (3, again.clone()),
            (1, new.clone()),
            (4, parent.clone()),
            (2, gone.clone())
        ]
    );
    assert_eq!(back.set(&same, b"").await.events, [(3, same.clone())]);
    assert_eq!(back.create(&none).await.events, [(1, none.clone())]);
    assert_eq!(back.create(&format!("{quiet}/a")).await.events, [(4, quiet.clone())]);
    assert_eq!(back.set(&changed, b"").await.events, []);
    let mut second = wanted();
    // No persistent watches, which only this form can hold.
    second.int(0).int(0);
    back.write(&Frames::encoded(-8, OpCode::SetWatches2, second)).await;
    let answer = back.answer(-8).await;
    assert_eq!((answer.error(), answer.events[0].0), (None, 3));
}

pub(crate) async fn events_are_for_those_who_may_read(server: SocketAddr) {
    let (mut client, mut owner) = (Frames::connect(server).await, Frames::connect(server).await);
    owner.auth("digest", b"user:secret").await;
    let path = path("guarded");
    for client in [&mut client, &mut owner] {
        client.watch(OpCode::Exists, &path).await;
    }
    let created = owner.call(OpCode::Create, create(&path, b"", &Acl::creator(), 0)).await;
    assert_eq!(created.events, [(1, path.clone())]);
    assert_eq!(client.ping().await.events, []);
    owner.call(OpCode::SetAcl, set_acl(&path, &Acl::open(), -1)).await;
    owner.delete(&path).await;
    assert_eq!(client.ping().await.events, [], "the watch is gone all the same");
}
