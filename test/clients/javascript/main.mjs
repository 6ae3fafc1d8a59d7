// Answers the test's requests, one a line of JSON, by credentials.mjs.
import { createInterface } from "node:readline";
import { CommunicationProtocolEnum, DaprClient } from "@dapr/dapr";
import { CredentialError, getCredential, getFields } from "./credentials.mjs";

const quiet = { error() {}, warn() {}, info() {}, verbose() {}, debug() {} }; // standard output is the test's
const client = new DaprClient({
  communicationProtocol: CommunicationProtocolEnum[process.argv[2]],
  logger: { service: quiet },
});

async function answer({ guid, store, metadata, whole }) {
  try {
    if (whole) {
      return { credential: JSON.stringify(await getCredential(client, guid, store)) };
    }
    return { entries: await getFields(client, guid, metadata, store) };
  } catch (error) {
    if (!(error instanceof CredentialError)) {
      throw error;
    }
    const { cause, code, retry, message } = error;
    const shown = { exception: cause.constructor.name, status: String(cause.code ?? ""), message: cause.message };
    return { error: { code, retry, text: message, ...shown } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
await client.stop();
