import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.dapr.client.DaprClient;
import io.dapr.exceptions.DaprException;
import java.io.IOException;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Credentials by the Dapr Java SDK. */
public final class Credentials {
  private static final Pattern CODE = Pattern.compile(".*code = (\\w+) desc = (.*)", Pattern.DOTALL);

  private final DaprClient client;
  private final String store;

  public Credentials(DaprClient client, String store) {
    this.client = client;
    this.store = store;
  }

  /** The whole credential, with its types. */
  public JsonNode get(String guid) throws IOException {
    return new ObjectMapper().readTree(fields(guid, Map.of("format", "json")).get("_value"));
  }

  /** The credential's fields, each as text. */
  public Map<String, String> fields(String guid, Map<String, String> metadata) {
    try {
      return client.getSecret(store, guid, metadata).block();
    } catch (DaprException e) {
      throw new CredentialException(e, CODE.matcher(e.getMessage()));
    }
  }

  /** Why there is no credential. */
  public static final class CredentialException extends RuntimeException {
    /** A word such as NotFound. */
    public final String code;
    /** Whether a later try may help. */
    public final boolean retry;

    private CredentialException(DaprException e, Matcher found) {
      super(found.find() ? found.group(2) : e.getMessage(), e);
      code = found.reset().find() ? found.group(1) : "Unknown";
      retry = code.equals("Unavailable") || code.equals("DeadlineExceeded");
    }
  }
}
