// Starts the provider double on a free loopback port, prints its URL and ends with its standard input.
import { LLMock } from "@copilotkit/aimock";

const mock = new LLMock({ host: "127.0.0.1", port: 0, strict: true, logLevel: "silent" });
await mock.start();
console.log(mock.url);
process.stdin.on("end", () => process.exit(0)).resume();
