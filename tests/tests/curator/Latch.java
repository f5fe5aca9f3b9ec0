import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.ACLProvider;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.apache.curator.framework.recipes.leader.Participant;
import org.apache.curator.retry.ExponentialBackoffRetry;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Stat;

/**
 * A candidate of Curator's: {@code Latch CONNECT PATH ID TIMEOUT_MS CLOCK_OFFSET_NS NAMESPACE CREDENTIALS}, the last two
 * "-" for none.
 *
 * <p>It speaks as {@code elect campaign --json} does, so that one judge reads both. A latch has no lease,
 * and so {@code remaining} is null. It does what its standard input says, a word a line, and answers each.
 */
class Latch implements LeaderLatchListener {
    private static final PrintStream OUT =
            new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
    private static final long SAMPLE_MS = 10;

    private final CuratorFramework client;
    private final String path;
    private final String id;
    /** From the clock of this virtual machine to the one that the others tell the time by. */
    private final long clockOffset;
    /** Looks up what the listener must not wait for, and tells in the order of what happened. */
    private final ExecutorService teller = Executors.newSingleThreadExecutor();
    private LeaderLatch latch;
    /** Between the calls of {@link #isLeader} and {@link #notLeader}. */
    private boolean leads;
    /** The czxid of the znode that it leads by; the teller's alone. */
    private long token;

    private Latch(String[] arguments) {
        path = arguments[1];
        id = arguments[2];
        clockOffset = Long.parseLong(arguments[4]);
        CuratorFrameworkFactory.Builder builder = CuratorFrameworkFactory.builder()
                .connectString(arguments[0])
                .sessionTimeoutMs(Integer.parseInt(arguments[3]))
                .connectionTimeoutMs(Integer.parseInt(arguments[3]))
                .retryPolicy(new ExponentialBackoffRetry(100, 10, 1000));
        if (!arguments[5].equals("-")) {
            builder.namespace(arguments[5]);
        }
        if (!arguments[6].equals("-")) {
            builder.authorization("digest", arguments[6].getBytes(StandardCharsets.UTF_8)).aclProvider(new ForUsAlone());
        }
        client = builder.build();
    }

    public static void main(String[] arguments) throws Exception {
        new Latch(arguments).live();
    }

    private void live() throws Exception {
        client.getConnectionStateListenable().addListener((ignored, state) -> {
            String name = state.isConnected() ? "connected" : state.name().toLowerCase(Locale.ROOT);
            tell("session", "\"state\":\"" + name + "\"");
        });
        tell("session", "\"state\":\"connecting\"");
        client.start();
        stand();
        Executors.newSingleThreadScheduledExecutor()
                .scheduleAtFixedRate(this::sample, 0, SAMPLE_MS, TimeUnit.MILLISECONDS);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String command = commands.readLine(); command != null; command = commands.readLine()) {
            answer(command);
        }
    }

    private void answer(String command) throws Exception {
        switch (command) {
            case "close" -> {
                latch.close(LeaderLatch.CloseMode.NOTIFY_LEADER);
                answer(command, "null");
            }
            case "stand" -> {
                stand();
                answer(command, "null");
            }
            case "participants" -> {
                List<String> shown = new ArrayList<>();
                for (Participant participant : latch.getParticipants()) {
                    shown.add("[\"" + participant.getId() + "\"," + participant.isLeader() + "]");
                }
                answer(command, shown.toString());
            }
            case "leader" -> answer(command, "\"" + latch.getLeader().getId() + "\"");
            case "leads" -> answer(command, String.valueOf(latch.hasLeadership()));
            case "session" -> {
                ZooKeeper session = client.getZookeeperClient().getZooKeeper();
                String password = HexFormat.of().formatHex(session.getSessionPasswd());
                answer(command, "[" + session.getSessionId() + ",\"" + password + "\"]");
            }
            case "quit" -> {
                if (latch.getState() == LeaderLatch.State.STARTED) {
                    latch.close(LeaderLatch.CloseMode.NOTIFY_LEADER);
                }
                client.close();
                teller.submit(() -> System.exit(0));
            }
            default -> throw new IllegalArgumentException(command);
        }
    }

    /** A latch that was closed is of no more use: each candidacy takes a new one. */
    private void stand() throws Exception {
        latch = new LeaderLatch(client, path, id);
        latch.addListener(this);
        latch.start();
    }

    @Override
    public synchronized void isLeader() {
        leads = true;
        String at = now();
        String znode = latch.getLastPathIsLeader();
        teller.submit(logged(() -> {
            Stat stat = client.checkExists().forPath(znode);
            token = stat == null ? 0 : stat.getCzxid();
            if (token == 0) {
                tell(at, "error", "\"message\":\"" + znode + " has gone already\"");
            } else {
                tell(at, "became_master", "\"id\":\"" + id + "\",\"token\":" + token + ",\"remaining\":null");
            }
            return null;
        }));
    }

    @Override
    public synchronized void notLeader() {
        leads = false;
        String at = now();
        teller.submit(() -> tellOfTerm(at, "became_standby", "\"reason\":\"not_leader\",\"master\":null"));
    }

    /** The clock comes first: whoever leads after it was read led until that moment at least. */
    private synchronized void sample() {
        String at = now();
        if (leads && latch.hasLeadership()) {
            teller.submit(() -> tellOfTerm(at, "holding", "\"token\":" + token + ",\"remaining\":null"));
        }
    }

    private void tellOfTerm(String at, String event, String more) {
        if (token != 0) {
            tell(at, event, more);
        }
    }

    private void answer(String command, String answer) {
        teller.submit(() -> tell("answer", "\"to\":\"" + command + "\",\"answer\":" + answer));
    }

    private void tell(String event, String more) {
        tell(now(), event, more);
    }

    private static void tell(String at, String event, String more) {
        OUT.println("{\"at\":" + at + ",\"event\":\"" + event + "\"," + more + "}");
    }

    private static Callable<Void> logged(Callable<Void> task) {
        return () -> {
            try {
                return task.call();
            } catch (Exception exception) {
                exception.printStackTrace();
                throw exception;
            }
        };
    }

    private String now() {
        return String.format(Locale.ROOT, "%.6f", (System.nanoTime() + clockOffset) / 1e9);
    }

    /** What is created is for whoever has the same credentials. */
    private static class ForUsAlone implements ACLProvider {
        @Override
        public List<ACL> getDefaultAcl() {
            return ZooDefs.Ids.CREATOR_ALL_ACL;
        }

        @Override
        public List<ACL> getAclForPath(String ignored) {
            return ZooDefs.Ids.CREATOR_ALL_ACL;
        }
    }
}
