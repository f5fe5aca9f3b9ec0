//! Facts about zookeeper-async 5.0.0 that the adapter leans on. An upgrade that changes one turns a test red.
