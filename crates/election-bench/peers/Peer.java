import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.apache.curator.retry.ExponentialBackoffRetry;

/** Curator's LeaderLatch as a subject of the benchmarks: does what standard input says (see src/subject.rs). */
class Peer {
    /** Milliseconds between two looks at something that tells nobody of itself. */
    private static final int LOOK = 2;

    private final Map<Integer, Session> sessions = new HashMap<>();
    private final Object changed = new Object();
    private long lastMaster;
    private int lastSession;

    /** One client and its candidates. */
    private final class Session {
        final int number;
        final CuratorFramework client;
        final List<String> paths = new ArrayList<>();
        final List<LeaderLatch> latches = new ArrayList<>();
        final StringBuilder log = new StringBuilder();
        int masters;

        Session(int number, String connect, int timeout) throws Exception {
            this.number = number;
            client = CuratorFrameworkFactory.builder()
                    .connectString(connect)
                    .sessionTimeoutMs(timeout)
                    .connectionTimeoutMs(10_000)
                    .retryPolicy(new ExponentialBackoffRetry(100, 3))
                    .build();
            client.start();
            if (!client.blockUntilConnected(60, TimeUnit.SECONDS)) {
                throw new IllegalStateException("no connection");
            }
        }

        LeaderLatch latch(String path, boolean logged) throws Exception {
            LeaderLatch latch = new LeaderLatch(client, path, Integer.toString(number));
            latch.addListener(new LeaderLatchListener() {
                @Override
                public void isLeader() {
                    told(Session.this, 1, logged);
                }

                @Override
                public void notLeader() {
                    told(Session.this, -1, logged);
                }
            });
            latch.start();
            return latch;
        }
    }

    public static void main(String[] arguments) throws Exception {
        Peer peer = new Peer();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        System.out.println("ok");
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            System.out.println("ok" + peer.answer(line.split(" ")));
        }
        System.exit(0);
    }

    private void told(Session session, int change, boolean logged) {
        long now = System.nanoTime();
        synchronized (changed) {
            session.masters += change;
            if (change > 0) {
                lastMaster = now;
                lastSession = session.number;
            }
            if (logged) {
                session.log.append(change > 0 ? " +" : " -").append(now);
            }
            changed.notifyAll();
        }
    }

    private String answer(String[] words) throws Exception {
        switch (words[0]) {
            case "session":
                int number = Integer.parseInt(words[1]);
                sessions.put(number, new Session(number, words[2], Integer.parseInt(words[3])));
                return "";
            case "campaign":
                return campaign(session(words), words[2], Integer.parseInt(words[3]));
            case "masters":
                return masters(session(words), Integer.parseInt(words[2]));
            case "next":
                return next(Long.parseLong(words[1]));
            case "standing":
                return standing(session(words));
            case "resign":
                return resign(session(words));
            case "close":
                long before = System.nanoTime();
                session(words).client.close();
                return " " + before;
            case "log":
                synchronized (changed) {
                    return session(words).log.toString();
                }
            case "live":
                return live();
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    private Session session(String[] words) {
        return sessions.get(Integer.parseInt(words[1]));
    }

    private String campaign(Session session, String path, int count) throws Exception {
        long before = System.nanoTime();
        for (int index = 0; index < count; index++) {
            session.paths.add(path + "/" + index);
            session.latches.add(session.latch(path + "/" + index, session.latches.isEmpty()));
        }
        return " " + before;
    }

    private String masters(Session session, int count) throws Exception {
        synchronized (changed) {
            while (session.masters < count) {
                changed.wait();
            }
            return " " + lastMaster;
        }
    }

    private String next(long after) throws Exception {
        synchronized (changed) {
            while (lastMaster <= after) {
                changed.wait();
            }
            return " " + lastMaster + " " + lastSession;
        }
    }

    private String standing(Session session) throws Exception {
        for (LeaderLatch latch : session.latches) {
            while (latch.getOurPath() == null) {
                Thread.sleep(LOOK);
            }
        }
        return "";
    }

    private String resign(Session session) throws Exception {
        LeaderLatch latch = session.latches.get(0);
        synchronized (changed) {
            // A latch that is closed does not tell its listeners.
            session.masters -= latch.hasLeadership() ? 1 : 0;
        }
        long before = System.nanoTime();
        latch.close();
        session.latches.set(0, session.latch(session.paths.get(0), true));
        return " " + before;
    }

    private String live() throws Exception {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return " " + (runtime.totalMemory() - runtime.freeMemory()) / 1024;
    }
}
