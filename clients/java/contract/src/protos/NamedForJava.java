import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * Copies the contract's protos and writes the names that Java wants into the copy: the contract itself names no language.
 *
 * <p>Run by Maven before the code is generated: {@code java NamedForJava.java FROM TO}. A file that has not changed is
 * not written again.
 */
final class NamedForJava {
  public static void main(String[] folders) throws IOException {
    Path from = Path.of(folders[0]);
    Path to = Path.of(folders[1]);
    try (var paths = Files.walk(from)) {
      for (Path path : (Iterable<Path>) paths.filter(path -> path.toString().endsWith(".proto"))::iterator) {
        write(to.resolve(from.relativize(path)), named(path));
      }
    }
  }

  /** The text with a Java package, one file a message, and an outer class that no message is named like. */
  private static String named(Path path) throws IOException {
    String outer = Arrays.stream(path.getFileName().toString().replace(".proto", "").split("_"))
        .map(word -> word.substring(0, 1).toUpperCase() + word.substring(1))
        .collect(Collectors.joining());
    return Files.readString(path).replaceFirst("(?m)^package (countinghouse\\.(\\w+)\\.(\\w+));$",
        "package $1;\noption java_package = \"countinghouse.$2.$3\";\noption java_multiple_files = true;\n"
            + "option java_outer_classname = \"" + outer + "Proto\";")
        .replace("java_package = \"countinghouse.gl_extraction", "java_package = \"countinghouse.glextraction");
  }

  private static void write(Path path, String text) throws IOException {
    if (Files.exists(path) && Files.readString(path).equals(text)) {
      return;
    }
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }
}
