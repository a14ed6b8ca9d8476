// Sends the files of a folder with dcmjs-dimse, each in its own transfer syntax.
//
//     send.mjs PORT CALLING CALLED FOLDER
//
// The last line of output is a JSON object: SOP Instance UID -> status, or the reason why it was not sent.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import dimse from "dcmjs-dimse";

const { Client, Dataset, constants, requests, log } = dimse;
log.setLevel("silent");

const [port, calling, called, folder] = process.argv.slice(2);

function send(path) {
  return new Promise((resolve) => {
    let instance = path;
    try {
      const dataset = Dataset.fromFile(path);
      instance = dataset.getElement("SOPInstanceUID");
      const request = new requests.CStoreRequest(dataset);
      const outcome = (what) => resolve([instance, what]);
      request.on("response", (response) => {
        if (response.getStatus() !== constants.Status.Pending) outcome(response.getStatus());
      });
      const client = new Client();
      client.addRequest(request);
      client.on("associationRejected", () => outcome("no association"));
      client.on("networkError", (fault) => outcome(`not sent: ${fault.message}`));
      client.on("closed", () => outcome("no answer"));
      client.send("127.0.0.1", Number(port), calling, called);
    } catch (fault) {
      resolve([instance, `not sent: ${fault.message}`]);
    }
  });
}

const outcomes = [];
for (const name of readdirSync(folder).sort()) outcomes.push(await send(join(folder, name)));
console.log(JSON.stringify(Object.fromEntries(outcomes)));
process.exit(0);
