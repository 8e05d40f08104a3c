// Holds verbs and payloads against what jambonz says of them: `node check.mjs < lines`, a line {"what", "value"} each,
// `what` being "verbs" or the name of a callback schema. Writes a line for each that does not fit; exits with 1 then.
import {readdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';

const require = createRequire(import.meta.url);
const schema = require('@jambonz/schema');
const specifications = require('@jambonz/verb-specifications');
const Ajv = require('ajv');

const folder = dirname(require.resolve('@jambonz/schema/package.json'));
const ajv = new Ajv({strict: false, validateSchema: false, logger: false});
for (const part of ['components', 'callbacks']) {
  for (const file of readdirSync(join(folder, part))) {
    ajv.addSchema(JSON.parse(readFileSync(join(folder, part, file), 'utf-8')));
  }
}
const quiet = {info() {}, debug() {}, error() {}};

function verbsFault(verbs) {
  schema.validate(quiet, verbs);
  specifications.validate(quiet, verbs); // The feature server's own check: it refuses unknown properties as well.
  return null;
}

function payloadFault(name, payload) {
  const check = ajv.getSchema(`https://jambonz.org/schema/callbacks/${name}`);
  if (!check) return `there is no payload ${name}`;
  return check(payload) ? null : JSON.stringify(check.errors);
}

let faults = 0;
for (const line of readFileSync(0, 'utf-8').split('\n').filter(Boolean)) {
  const {what, value} = JSON.parse(line);
  let fault;
  try {
    fault = what === 'verbs' ? verbsFault(value) : payloadFault(what, value);
  } catch (error) {
    fault = error.message;
  }
  if (fault) {
    faults += 1;
    console.log(`${what}: ${fault}\n  ${JSON.stringify(value).slice(0, 400)}`);
  }
}
process.exit(faults ? 1 : 0);
