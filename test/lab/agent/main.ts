/**
 * Runs inside the guest, started by the init script. Reads one request from the virtio port, answers it, and
 * stops the clock until the next. With a first argument it is one end of an interactive flow instead.
 */
import { runPeer } from './peer.ts';
import { serve } from './serve.ts';

const [role, ...settings] = process.argv.slice(2);
if (role === 'peer') runPeer(settings[0] ?? '{}');
else void serve();
