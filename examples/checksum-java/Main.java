import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Notices which files of a folder have changed since the last run; see run.sh. The list is kept in checksums.txt in the
 * job's data folder, in the form that sha256sum --check reads.
 */
public final class Main {
    private record Report(int added, int changed, int removed) {
        boolean isQuiet() {
            return added + changed + removed == 0;
        }
    }

    public static void main(String[] args) throws IOException, NoSuchAlgorithmException {
        if (args.length != 1 || !Files.isDirectory(Path.of(args[0]))) {
            System.err.println("checksums: name one folder as the argument of the run");
            System.exit(2);
        }
        Path folder = Path.of(args[0]).toRealPath();
        Path list = Path.of(System.getenv("WEBJOBS_DATA_PATH")).resolve("checksums.txt");
        boolean isFirst = !Files.exists(list);
        Map<String, String> before = read(list);
        List<String> unreadable = new ArrayList<>();
        Map<String, String> now = compute(folder, unreadable);
        Report report = compare(before, now);
        save(list, now);
        for (String each : unreadable) System.err.println("cannot be read: " + each);
        System.out.printf("%d files in %s: %d added, %d changed, %d removed%n",
                now.size(), folder, report.added(), report.changed(), report.removed());
        if (!unreadable.isEmpty()) System.exit(1);
        boolean failOnChange = "1".equals(System.getenv("CHECKSUM_FAIL"));
        if (failOnChange && !isFirst && !report.isQuiet()) System.exit(3);
    }

    private static Map<String, String> compute(Path folder, List<String> unreadable)
            throws IOException, NoSuchAlgorithmException {
        Map<String, String> sums = new TreeMap<>();
        List<Path> files;
        try (var walk = Files.walk(folder)) {
            files = walk.filter(Files::isRegularFile).toList();
        }
        for (Path file : files) {
            try {
                sums.put(file.toString(), checksum(file));
            } catch (IOException error) {
                unreadable.add(file + " (" + error.getClass().getSimpleName() + ")");
            }
        }
        return sums;
    }

    private static String checksum(Path file) throws IOException, NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
            in.transferTo(java.io.OutputStream.nullOutputStream());
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static Report compare(Map<String, String> before, Map<String, String> now) {
        int added = 0;
        int changed = 0;
        for (var entry : now.entrySet()) {
            String old = before.get(entry.getKey());
            if (entry.getValue().equals(old)) continue;
            System.out.println((old == null ? "added:   " : "changed: ") + entry.getKey());
            if (old == null) added++;
            else changed++;
        }
        List<String> gone = before.keySet().stream().filter(name -> !now.containsKey(name)).toList();
        for (String name : gone) System.out.println("removed: " + name);
        return new Report(added, changed, gone.size());
    }

    private static Map<String, String> read(Path list) throws IOException {
        Map<String, String> sums = new TreeMap<>();
        if (!Files.exists(list)) return sums;
        for (String line : Files.readAllLines(list)) {
            int blank = line.indexOf("  ");
            if (blank > 0) sums.put(line.substring(blank + 2), line.substring(0, blank));
        }
        return sums;
    }

    /** Written beside it and moved over it, so that a run that is cut short leaves the former list. */
    private static void save(Path list, Map<String, String> sums) throws IOException {
        Path fresh = list.resolveSibling("checksums.new");
        Files.write(fresh, sums.entrySet().stream().map(each -> each.getValue() + "  " + each.getKey()).toList());
        Files.move(fresh, list, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }
}
