// A stand-in for Twilio that is not ours (npm emulate): `node twilio.mjs <port> <token> <voice url>`; ends with its input.
import {createEmulator} from 'emulate';

const [port, token, voiceUrl] = process.argv.slice(2);
const twilio = await createEmulator({
  service: 'twilio',
  port: Number(port),
  seed: {
    twilio: {
      account: {sid: `AC${'0'.repeat(32)}`, auth_token: token, friendly_name: 'test'},
      phone_numbers: [{phone_number: '+8671512345', friendly_name: 'test', voice_url: voiceUrl}],
    },
  },
});
console.log(twilio.url);
process.stdin.resume();
process.stdin.on('end', async () => {
  await twilio.close();
  process.exit(0);
});
