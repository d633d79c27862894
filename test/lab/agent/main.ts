/**
 * Runs inside the guest, started by the init script. Reads one request from the virtio port, answers it, and
 * stops the clock until the next. With a first argument it is one end of an interactive or a UDP flow, or of a
 * stream of UDP, instead.
 */
import { runPeer } from './peer.ts';
import { serve } from './serve.ts';
import { runUdpClient, runUdpServer } from './udpFlow.ts';
import { runUdpReceiver, runUdpSender } from './udpStream.ts';

const [role, ...settings] = process.argv.slice(2);
if (role === 'peer') runPeer(settings[0] ?? '{}');
else if (role === 'udp-server') runUdpServer(settings[0] ?? '{}');
else if (role === 'udp-client') runUdpClient(settings[0] ?? '{}');
else if (role === 'udp-sender') runUdpSender(settings[0] ?? '{}');
else if (role === 'udp-receiver') runUdpReceiver(settings[0] ?? '{}');
else void serve();
