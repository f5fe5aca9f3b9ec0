//! Who may do what.

use std::net::SocketAddr;

use zookeeper_testkit::wire::{Acl, Encoder, ErrorCode, OpCode, Stat};

use crate::common::frames::{Frames, create, only, set_acl, set_data, versioned, watched};
use crate::common::path;

pub(crate) fn acl(permissions: i32, scheme: &str, id: &str) -> Vec<Acl> {
    vec![Acl { permissions, scheme: scheme.to_owned(), id: id.to_owned() }]
}

/// `user:secret`, as the `digest` scheme shows it.
pub(crate) const USER: &str = "user:3UwWPCGLgaMuQsOG1L/T4v7xd54=";

pub(crate) async fn read_acl(client: &mut Frames, path: &str) -> Result<Vec<Acl>, ErrorCode> {
    let answer = client.call(OpCode::GetAcl, only(path)).await;
    match answer.error() {
        Some(error) => Err(error),
        None => Ok(answer.decode(|body| (Acl::decode_all(body).unwrap(), Stat::decode(body).unwrap())).0),
    }
}

pub(crate) async fn acls(server: SocketAddr) {
    let (mut owner, mut other) = (Frames::connect(server).await, Frames::connect(server).await);
    owner.auth("digest", b"user:secret").await;
    let no_auth = Some(ErrorCode::NoAuth);
    let guarded = path("guarded");
    owner.call(OpCode::Create, create(&guarded, b"", &Acl::creator(), 0)).await;
    let user = read_acl(&mut owner, &guarded).await.unwrap();
    assert_eq!((user[0].permissions, user[0].scheme.as_str(), user.len()), (31, "digest", 1));
    assert!(user[0].id.starts_with("user:") && user[0].id.len() == USER.len(), "{user:?}");
    for op in [OpCode::GetData, OpCode::GetChildren, OpCode::GetChildren2] {
        assert_eq!(other.watch(op, &guarded).await.error(), no_auth);
    }
    assert_eq!(read_acl(&mut other, &guarded).await, Err(ErrorCode::NoAuth));
    assert_eq!(other.call(OpCode::Exists, watched(&guarded, false)).await.error(), None, "no ACL denies it");
    assert_eq!(other.set(&guarded, b"").await.error(), no_auth);
    assert_eq!(other.call(OpCode::SetData, set_data(&guarded, b"", 9)).await.error(), no_auth);
    assert_eq!(other.create(&format!("{guarded}/a")).await.error(), no_auth);
    assert_eq!(other.call(OpCode::SetAcl, set_acl(&guarded, &Acl::open(), -1)).await.error(), no_auth);
    assert_eq!(other.call(OpCode::Check, versioned(&guarded, -1)).await.error(), no_auth);
    assert_eq!(other.delete(&format!("{guarded}/a")).await.error(), no_auth, "before it is looked for");
    assert_eq!(owner.create(&format!("{guarded}/a")).await.error(), None);
    assert_eq!(other.delete(&format!("{guarded}/a")).await.error(), no_auth);
    owner.delete(&format!("{guarded}/a")).await;
    assert_eq!(other.delete(&guarded).await.error(), None, "it is the parent's ACL that counts");

    // Whoever may read but not change an ACL sees no hashes.
    let shown = path("shown");
    let mixed = [acl(31, "digest", "a:b"), acl(1, "world", "anyone")].concat();
    owner.call(OpCode::Create, create(&shown, b"", &mixed, 0)).await;
    let masked = [acl(31, "digest", "a:x"), acl(1, "world", "anyone")].concat();
    assert_eq!(read_acl(&mut other, &shown).await, Ok(masked));

    // By address, which every connection has. Doubles are dropped.
    let local = path("local");
    let twice = [acl(31, "ip", "127.0.0.0/8"), acl(31, "ip", "127.0.0.0/8")].concat();
    owner.call(OpCode::Create, create(&local, b"", &twice, 0)).await;
    assert_eq!(read_acl(&mut other, &local).await, Ok(acl(31, "ip", "127.0.0.0/8")));
    for (network, error) in [("127.0.0.1", None), ("127.0.0.2", no_auth), ("128.0.0.0/1", no_auth)] {
        let path = path("network");
        owner.call(OpCode::Create, create(&path, b"", &acl(31, "ip", network), 0)).await;
        assert_eq!(other.set(&path, b"").await.error(), error, "{network}");
    }
}

pub(crate) async fn credentials(server: SocketAddr) {
    let mut client = Frames::connect(server).await;
    let path = path("credentials");
    client.auth("digest", b"user:secret").await;
    client.auth("digest", b"other:secret").await;
    client.auth("ip", b"").await;
    client.call(OpCode::Create, create(&path, b"", &Acl::creator(), 0)).await;
    let all = read_acl(&mut client, &path).await.unwrap();
    let mut users: Vec<_> = all.iter().map(|acl| acl.id.split(':').next().unwrap()).collect();
    users.sort();
    assert_eq!(users, ["other", "user"], "all of them, without the address");
    let known = client.call(OpCode::WhoAmI, Encoder::new()).await;
    let known = known.decode(|body| body.vector(|body| Ok((body.string()?, body.string()?))).unwrap());
    let known: std::collections::BTreeSet<_> = known.into_iter().map(|(_, user)| user).collect();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), ["127.0.0.1", "other", "user"]);
    let mut other = Frames::connect(server).await;
    other.auth("digest", b"user:wrong").await;
    assert_eq!(other.set(&path, b"").await.error(), Some(ErrorCode::NoAuth));
    other.auth("digest", b"user:secret").await;
    assert_eq!(other.set(&path, b"").await.error(), None);
    let mut again = client.attach(server).await;
    assert_eq!(
        again.set(&path, b"").await.error(),
        Some(ErrorCode::NoAuth),
        "credentials end with the connection"
    );
    for scheme in ["nonsense", "world", ""] {
        let mut client = Frames::connect(server).await;
        let answer = client.auth(scheme, b"").await;
        assert_eq!((answer.error(), answer.header.zxid), (Some(ErrorCode::AuthFailed), 0), "{scheme}");
        assert!(client.is_closed().await);
    }
}
