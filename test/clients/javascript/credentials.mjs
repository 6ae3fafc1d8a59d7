// Credentials by the Dapr JavaScript SDK.

// CredentialError says why there is no credential: code is a word such as NotFound,
// retry says whether a later try may help.
export class CredentialError extends Error {
  constructor(error) {
    const [, code, text] = /.*code = (\w+) desc = (.*)/s.exec(message(error)) ?? [, "Unknown", error.message];
    super(text, { cause: error });
    this.code = code;
    this.retry = code === "Unavailable" || code === "DeadlineExceeded";
  }
}

// Over HTTP the error's message is daprd's answer, in JSON.
function message(error) {
  try {
    return JSON.parse(JSON.parse(error.message).error_msg).message;
  } catch {
    return error.message;
  }
}

// getCredential returns the whole credential, with its types. Over gRPC the SDK hands
// no metadata on: it takes a store with responseFormat: json.
export async function getCredential(client, guid, store = "credentials") {
  const entries = await getFields(client, guid, { format: "json" }, store);
  return JSON.parse(entries._value);
}

// getFields returns the credential's fields, each as text; over HTTP alone, for over
// gRPC the SDK keeps one entry of an answer.
export async function getFields(client, guid, metadata = {}, store = "credentials") {
  const query = Object.entries(metadata).map(([name, value]) => `metadata.${name}=${encodeURIComponent(value)}`);
  try {
    return await client.secret.get(store, encodeURIComponent(guid), query.join("&"));
  } catch (error) {
    throw new CredentialError(error);
  }
}
