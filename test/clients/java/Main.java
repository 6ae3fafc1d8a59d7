import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.dapr.client.DaprClient;
import io.dapr.client.DaprClientBuilder;
import io.dapr.exceptions.DaprException;
import java.util.Map;
import java.util.Scanner;

/** Answers the test's requests, one a line of JSON, by Credentials. */
public final class Main {
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    try (DaprClient client = new DaprClientBuilder().build(); Scanner lines = new Scanner(System.in)) {
      while (lines.hasNextLine()) {
        System.out.println(JSON.writeValueAsString(answer(client, JSON.readTree(lines.nextLine()))));
      }
    }
  }

  private static Map<String, Object> answer(DaprClient client, JsonNode request) throws Exception {
    Credentials credentials = new Credentials(client, request.get("store").asText());
    String guid = request.get("guid").asText();
    try {
      if (request.get("whole").asBoolean()) {
        return Map.of("credential", credentials.get(guid).toString());
      }
      return Map.of("entries", credentials.fields(guid, JSON.convertValue(request.get("metadata"), Map.class)));
    } catch (Credentials.CredentialException e) {
      DaprException cause = (DaprException) e.getCause();
      return Map.of("error", Map.of(
          "code", e.code, "retry", e.retry, "text", e.getMessage(), "exception", cause.getClass().getName(),
          "status", cause.getErrorCode(), "message", cause.getMessage()));
    }
  }
}
