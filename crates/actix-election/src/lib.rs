//! Leader election for actix applications, on ZooKeeper.
