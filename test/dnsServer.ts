/** A DNS server that answers PTR on 127.0.0.1, as text for `node -e`: in a namespace or guest there is nothing to import. */

/**
 * Its arguments: names by question as JSON (`{"2.2.0.192.in-addr.arpa": "printer.lan"}`; null: it stays silent; else there is no such
 * name), and a file that gets a line for each question.
 */
export const DNS_SERVER = `
const names = JSON.parse(process.argv[1]);
const socket = require('node:dgram').createSocket('udp4');
const wire = (labels) => Buffer.concat([...labels, ''].map((label) => Buffer.from([label.length, ...Buffer.from(label, 'latin1')])));
socket.on('message', (question, { port, address }) => {
  const labels = [];
  let at = 12;
  for (; question[at] !== 0; at += 1 + question[at]) labels.push(question.toString('latin1', at + 1, at + 1 + question[at]));
  require('node:fs').appendFileSync(process.argv[2], labels.join('.') + '\\n');
  const name = names[labels.join('.')];
  if (name === null) return;
  const head = Buffer.from([...question.subarray(0, 2), 0x85, name === undefined ? 0x83 : 0x80, 0, 1, 0, name === undefined ? 0 : 1, 0, 0, 0, 0]);
  const data = name === undefined ? '' : wire(name.split('.'));
  const record = name === undefined ? [] : [Buffer.from([0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 60, 0, data.length]), data];
  socket.send(Buffer.concat([head, question.subarray(12, at + 5), ...record]), port, address);
});
socket.bind(53, '127.0.0.1', () => console.log('ready'));
`;
