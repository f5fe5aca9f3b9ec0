//! What the adapter delivers, whatever client crate is inside.

use super::*;
use zookeeper_testkit::Ensemble;

#[tokio::test]
async fn smoke() {
    let ensemble = Ensemble::single().await.unwrap();
    let mut rig = Rig::start(&ensemble.connect_string(), seconds(4.0));
    let up = rig.connected().await;
    assert_eq!(up.timeout.span(), seconds(4.0));
    assert!(up.remaining() > seconds(3.0));
    let Reply::Created(stat) = rig.ask(create("/m")).await else { panic!() };
    assert_eq!(stat.ephemeral_owner, up.session.0);
    rig.close().await;
    assert!(zookeeper_testkit::four_letter::sessions(ensemble.server(0).address()).await.unwrap().is_empty());
}
