import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.cache.ChildData;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.retry.ExponentialBackoffRetry;
import org.apache.curator.retry.RetryOneTime;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;

/**
 * A session of Curator with the server whose address is the argument, told line by line.
 *
 * <p>Only the main thread tells. What other threads see comes to it through queues, so that the order is always the same.
 */
class Session {
    /** Seconds: far beyond what any step takes. */
    private static final int PATIENCE = 30;

    private final String server;
    private final CuratorFramework first;
    private final CuratorFramework second;
    private final ExecutorService threads = Executors.newCachedThreadPool();

    private Session(String server) throws Exception {
        this.server = server;
        first = connect(null);
        second = connect("user:password");
    }

    public static void main(String[] arguments) throws Exception {
        Session session = new Session(arguments[0]);
        session.readsAndWrites();
        session.transactions();
        session.access();
        session.watches();
        session.lastingWatches();
        session.caches();
        session.cacheOfATree();
        session.locks();
        session.latch();
        session.selector();
        session.first.close();
        session.second.close();
        session.threads.shutdownNow();
        tell("== end");
        System.exit(0);
    }

    private CuratorFramework connect(String credentials) throws Exception {
        CuratorFrameworkFactory.Builder builder = CuratorFrameworkFactory.builder()
                .connectString(server)
                .sessionTimeoutMs(10_000)
                .connectionTimeoutMs(10_000)
                .retryPolicy(new ExponentialBackoffRetry(100, 3));
        if (credentials != null) {
            builder.authorization("digest", bytes(credentials));
        }
        CuratorFramework client = builder.build();
        client.start();
        check(client.blockUntilConnected(PATIENCE, TimeUnit.SECONDS), "no connection");
        return client;
    }

    private void readsAndWrites() throws Exception {
        tell("== reads and writes");
        attempt("create", () -> first.create().creatingParentsIfNeeded().forPath("/curator/deep/node", bytes("one")));
        attempt("create again", () -> first.create().forPath("/curator/deep/node"));
        attempt("create below nothing", () -> first.create().forPath("/curator/none/node"));
        attempt("create or set", () -> first.create().orSetData().forPath("/curator/deep/node", bytes("two")));
        attempt("get", () -> text(first.getData().forPath("/curator/deep/node")));
        attempt("set", () -> first.setData().withVersion(1).forPath("/curator/deep/node", bytes("three")).getVersion());
        attempt("set stale", () -> first.setData().withVersion(1).forPath("/curator/deep/node", bytes("four")));
        attempt("get nothing", () -> first.getData().forPath("/curator/none"));
        attempt("exists nothing", () -> first.checkExists().forPath("/curator/none"));
        attempt("compressed", () -> first.create().compressed().forPath("/curator/packed", bytes("packed")));
        attempt("get compressed", () -> text(first.getData().decompressed().forPath("/curator/packed")));
        for (int index = 0; index < 3; index++) {
            attempt("sequence", () -> first.create().withMode(CreateMode.EPHEMERAL_SEQUENTIAL)
                    .forPath("/curator/deep/s-"));
        }
        attempt("protected", () -> withoutProtection(first.create().withProtection()
                .withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath("/curator/deep/p-")));
        attempt("container", () -> first.create().creatingParentContainersIfNeeded().forPath("/curator/c/d/node"));
        attempt("ttl", () -> first.create().withTtl(60_000).withMode(CreateMode.PERSISTENT_WITH_TTL)
                .forPath("/curator/ttl"));
        attempt("children", () -> withoutProtection(first.getChildren().forPath("/curator/deep")));
        attempt("delete with children", () -> first.delete().forPath("/curator/deep"));
        attempt("delete stale", () -> first.delete().withVersion(9).forPath("/curator/deep/node"));
        attempt("sync", () -> {
            BlockingQueue<String> done = new LinkedBlockingQueue<>();
            first.sync().inBackground((client, event) -> done.add(event.getPath())).forPath("/curator/deep");
            return next(done);
        });
        attempt("delete all", () -> first.delete().guaranteed().deletingChildrenIfNeeded().forPath("/curator/deep"));
        attempt("delete quietly", () -> first.delete().quietly().forPath("/curator/deep"));
        attempt("children", () -> sorted(first.getChildren().forPath("/curator")));
        attempt("namespace", () -> first.usingNamespace("curator").getChildren().forPath("/c"));
    }

    private void transactions() throws Exception {
        tell("== transactions");
        attempt("good", () -> kinds(first.transaction().forOperations(
                first.transactionOp().create().forPath("/curator/t", bytes("1")),
                first.transactionOp().create().forPath("/curator/t/child"),
                first.transactionOp().setData().withVersion(0).forPath("/curator/t", bytes("2")),
                first.transactionOp().check().withVersion(1).forPath("/curator/t"),
                first.transactionOp().delete().forPath("/curator/t/child"))));
        attempt("bad", () -> kinds(first.transaction().forOperations(
                first.transactionOp().create().forPath("/curator/t/other"),
                first.transactionOp().check().withVersion(9).forPath("/curator/t"))));
        attempt("nothing of it", () -> first.checkExists().forPath("/curator/t/other"));
    }

    private void access() throws Exception {
        tell("== access");
        attempt("create", () -> second.create().withACL(ZooDefs.Ids.CREATOR_ALL_ACL).forPath("/curator/secret"));
        attempt("acl", () -> second.getACL().forPath("/curator/secret").get(0).getId().getId());
        attempt("get", () -> second.checkExists().forPath("/curator/secret").getAversion());
        attempt("get by another", () -> first.getData().forPath("/curator/secret"));
        attempt("creator nobody", () -> first.create().withACL(ZooDefs.Ids.CREATOR_ALL_ACL).forPath("/curator/x"));
        attempt("read only", () -> first.setACL().withACL(ZooDefs.Ids.READ_ACL_UNSAFE).forPath("/curator/packed")
                .getAversion());
        attempt("set read only", () -> first.setData().forPath("/curator/packed", bytes("refused")));
    }

    private void watches() throws Exception {
        tell("== watches");
        BlockingQueue<WatchedEvent> events = new LinkedBlockingQueue<>();
        Watcher watcher = events::add;
        second.checkExists().usingWatcher(watcher).forPath("/curator/watched");
        first.create().forPath("/curator/watched");
        event(events);
        second.getData().usingWatcher(watcher).forPath("/curator/watched");
        first.setData().forPath("/curator/watched", bytes("one"));
        event(events);
        second.getChildren().usingWatcher(watcher).forPath("/curator/watched");
        first.create().forPath("/curator/watched/child");
        event(events);
        second.getData().usingWatcher(watcher).forPath("/curator/watched/child");
        second.watches().removeAll().forPath("/curator/watched/child");
        event(events);
        first.delete().forPath("/curator/watched/child");
        second.checkExists().usingWatcher(watcher).forPath("/curator/watched");
        first.delete().forPath("/curator/watched");
        event(events);
    }

    private void lastingWatches() throws Exception {
        tell("== watches that last");
        for (AddWatchMode mode : AddWatchMode.values()) {
            BlockingQueue<WatchedEvent> events = new LinkedBlockingQueue<>();
            Watcher watcher = events::add;
            String node = "/curator/" + mode;
            second.watchers().add().withMode(mode).usingWatcher(watcher).forPath(node);
            for (int round = 0; round < 2; round++) {
                first.create().forPath(node, bytes("one"));
                event(events);
                first.create().forPath(node + "/child");
                event(events);
                first.setData().forPath(node, bytes("two"));
                event(events);
                first.delete().deletingChildrenIfNeeded().forPath(node);
                event(events);
                event(events);
            }
            attempt("remove", () -> second.watchers().remove(watcher).forPath(node));
            event(events);
            attempt("remove again", () -> second.watchers().remove(watcher).forPath(node));
        }
    }

    /** The cache follows its tree by one recursive watch. */
    private void cacheOfATree() throws Exception {
        tell("== cache of a tree");
        first.create().forPath("/curator/tree", bytes("root"));
        first.create().forPath("/curator/tree/old", bytes("zero"));
        BlockingQueue<String> seen = new LinkedBlockingQueue<>();
        try (CuratorCache cache = CuratorCache.build(second, "/curator/tree")) {
            cache.listenable().addListener(CuratorCacheListener.builder()
                    .forCreates(node -> seen.add("created " + told(node)))
                    .forChanges((before, node) -> seen.add("changed " + told(before) + " to " + told(node)))
                    .forDeletes(node -> seen.add("deleted " + told(node)))
                    .forInitialized(() -> seen.add("initialized"))
                    .build());
            cache.start();
            for (int count = 0; count < 3; count++) {
                tell("tree: " + next(seen));
            }
            for (int round = 0; round < 2; round++) {
                first.create().forPath("/curator/tree/a", bytes("one"));
                tell("tree: " + next(seen));
                first.create().forPath("/curator/tree/a/b", bytes("two"));
                tell("tree: " + next(seen));
                first.setData().forPath("/curator/tree/a/b", bytes("three"));
                tell("tree: " + next(seen));
                first.setData().forPath("/curator/tree", bytes("round " + round));
                tell("tree: " + next(seen));
                tell("size: " + cache.size() + ", " + told(cache.get("/curator/tree/a/b").get()));
                first.delete().forPath("/curator/tree/a/b");
                tell("tree: " + next(seen));
                first.delete().forPath("/curator/tree/a");
                tell("tree: " + next(seen));
            }
        }
    }

    private static String told(ChildData node) {
        return node.getPath() + " " + text(node.getData());
    }

    @SuppressWarnings("deprecation")
    private void caches() throws Exception {
        tell("== caches");
        BlockingQueue<String> seen = new LinkedBlockingQueue<>();
        try (NodeCache node = new NodeCache(second, "/curator/cached")) {
            node.getListenable().addListener(() -> seen.add(
                    node.getCurrentData() == null ? "gone" : text(node.getCurrentData().getData())));
            node.start(true);
            first.create().forPath("/curator/cached", bytes("one"));
            tell("node: " + next(seen));
            first.setData().forPath("/curator/cached", bytes("two"));
            tell("node: " + next(seen));
            first.delete().forPath("/curator/cached");
            tell("node: " + next(seen));
        }
        try (PathChildrenCache children = new PathChildrenCache(second, "/curator/cache", true)) {
            children.getListenable().addListener((client, event) -> {
                if (event.getData() != null) {
                    seen.add(event.getType() + " " + event.getData().getPath() + " " + text(event.getData().getData()));
                }
            });
            children.start(PathChildrenCache.StartMode.BUILD_INITIAL_CACHE);
            first.create().forPath("/curator/cache/a", bytes("one"));
            tell("children: " + next(seen));
            first.setData().forPath("/curator/cache/a", bytes("two"));
            tell("children: " + next(seen));
            first.delete().forPath("/curator/cache/a");
            tell("children: " + next(seen));
        }
    }

    private void locks() throws Exception {
        tell("== locks");
        InterProcessMutex mine = new InterProcessMutex(first, "/curator/lock");
        InterProcessMutex other = new InterProcessMutex(second, "/curator/lock");
        attempt("first", () -> mine.acquire(PATIENCE, TimeUnit.SECONDS));
        attempt("first again", () -> mine.acquire(PATIENCE, TimeUnit.SECONDS));
        attempt("second in time", () -> other.acquire(200, TimeUnit.MILLISECONDS));
        CountDownLatch over = new CountDownLatch(1);
        BlockingQueue<Boolean> got = new LinkedBlockingQueue<>();
        Future<?> waiting = threads.submit(() -> {
            got.add(other.acquire(PATIENCE, TimeUnit.SECONDS));
            over.await();
            other.release();
            return null;
        });
        awaitChildren("/curator/lock", 2);
        tell("participants: " + withoutProtection(new ArrayList<>(mine.getParticipantNodes())).size());
        mine.release();
        mine.release();
        tell("second: " + next(got));
        over.countDown();
        waiting.get(PATIENCE, TimeUnit.SECONDS);
        awaitChildren("/curator/lock", 0);

        DistributedAtomicLong counter = new DistributedAtomicLong(first, "/curator/counter", new RetryOneTime(10));
        attempt("add", () -> counter.add(5L).postValue());
        attempt("decrement", () -> counter.decrement().postValue());
    }

    /** The first leads until its session ends, then the second does. */
    private void latch() throws Exception {
        tell("== leader latch");
        CuratorFramework third = connect(null);
        LeaderLatch one = new LeaderLatch(third, "/curator/latch", "one");
        LeaderLatch two = new LeaderLatch(second, "/curator/latch", "two");
        one.start();
        tell("one: " + one.await(PATIENCE, TimeUnit.SECONDS));
        two.start();
        awaitChildren("/curator/latch", 2);
        tell("two: " + two.hasLeadership() + ", leader " + two.getLeader());
        third.close();
        tell("two: " + two.await(PATIENCE, TimeUnit.SECONDS) + ", leader " + two.getLeader());
        tell("participants: " + two.getParticipants());
        two.close();
    }

    /** Each gives the leadership back as soon as it is told to. */
    private void selector() throws Exception {
        tell("== leader selector");
        BlockingQueue<String> leads = new LinkedBlockingQueue<>();
        BlockingQueue<String> enough = new LinkedBlockingQueue<>();
        List<LeaderSelector> selectors = new ArrayList<>();
        for (CuratorFramework client : List.of(first, second)) {
            String name = "selector " + (selectors.size() + 1);
            LeaderSelector selector = new LeaderSelector(client, "/curator/selector", new LeaderSelectorListenerAdapter() {
                @Override
                public void takeLeadership(CuratorFramework ignored) throws Exception {
                    leads.add(name);
                    enough.take();
                }
            });
            selector.setId(name);
            selectors.add(selector);
            selector.start();
            awaitChildren("/curator/selector", selectors.size());
        }
        tell("leads: " + next(leads) + ", " + selectors.get(1).getLeader().getId());
        enough.add("enough");
        tell("leads: " + next(leads) + ", " + selectors.get(0).getLeader().getId());
        enough.add("enough");
        for (LeaderSelector selector : selectors) {
            selector.close();
        }
    }

    /** Returns once a node has so many children, woken by watches; one that is not there has none. */
    private void awaitChildren(String path, int count) throws Exception {
        BlockingQueue<WatchedEvent> changed = new LinkedBlockingQueue<>();
        Watcher watcher = changed::add;
        while (true) {
            int now = 0;
            if (first.checkExists().usingWatcher(watcher).forPath(path) != null) {
                try {
                    now = first.getChildren().usingWatcher(watcher).forPath(path).size();
                } catch (KeeperException.NoNodeException gone) {
                    continue;
                }
            }
            if (now == count) {
                return;
            }
            next(changed);
        }
    }

    private static void attempt(String name, Callable<?> action) throws Exception {
        try {
            tell(name + " -> " + action.call());
        } catch (KeeperException exception) {
            tell(name + " !! " + exception.code());
        }
    }

    private static void event(BlockingQueue<WatchedEvent> events) throws InterruptedException {
        WatchedEvent event = next(events);
        tell("event: " + event.getType() + " " + event.getPath());
    }

    private static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
        T next = queue.poll(PATIENCE, TimeUnit.SECONDS);
        check(next != null, "nothing came");
        return next;
    }

    private static List<String> kinds(List<CuratorTransactionResult> results) {
        List<String> kinds = new ArrayList<>();
        results.forEach(result -> kinds.add(result.getType() + " " + result.getForPath() + " "
                + KeeperException.Code.get(result.getError())));
        return kinds;
    }

    private static List<String> withoutProtection(List<String> names) {
        List<String> bare = new ArrayList<>();
        names.forEach(name -> bare.add(withoutProtection(name)));
        return sorted(bare);
    }

    private static String withoutProtection(String name) {
        return name.replaceAll("_c_[-0-9a-f]{36}-", "protected-");
    }

    private static List<String> sorted(List<String> names) {
        Collections.sort(names);
        return names;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static void tell(String line) {
        System.out.println(line);
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalStateException(otherwise);
        }
    }
}
