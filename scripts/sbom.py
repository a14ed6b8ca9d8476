"""Makes a bill of materials the same wherever it is made, and compares it with the packages on standard input.

    sbom.py FROM TO DATE      standard input: a line `name vVERSION` for each package that the program is built from
"""

import json
import sys
import uuid

source, target, date = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    text = file.read()
bill = json.loads(text)

# The folder of the build, the hour and a dice are no part of what the program is made of.
root = bill["metadata"]["component"]["bom-ref"]
folder = root.split("#")[0]
bill = json.loads(text.replace(folder, "pkg:cargo/markgate"))
bill["metadata"]["timestamp"] = date
bill["serialNumber"] = ""
bill["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bill, sort_keys=True))}"

parts = {(part["name"], part["version"]): part for part in bill["components"]}
faults = []
for line in sys.stdin:
    name, version = line.split()
    if name == "markgate":
        continue
    part = parts.get((name, version.removeprefix("v")))
    if part is None:
        faults.append(f"{name} {version} is missing")
    elif not part.get("licenses"):
        faults.append(f"{name} {version} has no licence")
    elif not part.get("hashes"):
        faults.append(f"{name} {version} has no hash")
if faults:
    sys.exit("the bill of materials is not complete:\n" + "\n".join(faults))

with open(target, "w", encoding="utf-8") as file:
    json.dump(bill, file, indent=1, sort_keys=True)
    file.write("\n")
print(f"{target}: {len(parts)} packages, each with version, licence and hash")
