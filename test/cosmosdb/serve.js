#!/usr/bin/env node
// Serves the emulator of Cosmos DB on a port of 127.0.0.1. Without the header, the emulator answers 500 to the
// reading of an item that does not exist.
const { createHttpServer } = require("@vercel/cosmosdb-server");

const server = createHttpServer();
server.prependListener("request", (req) => {
  if (req.method === "GET") req.headers["x-ms-documentdb-query-enablecrosspartition"] = "true";
});
server.listen(Number(process.argv[2]), "127.0.0.1");
