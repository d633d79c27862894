/** Real QUIC for the lab's lines: HTTP/3 by ngtcp2, unpacked from Debian's packages, whose installation would start a server. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { debianProgram } from '../cli/helpers/debianProgram.ts';
import type { QuicPrograms } from './measure.ts';
import { labFolder } from './paths.ts';

/** The programs, and a certificate for the server that nobody trusts, which its client does not mind. */
export async function quicPrograms(): Promise<QuicPrograms> {
  const packages = ['ngtcp2-server', 'ngtcp2-client'];
  const server = await debianProgram('/usr/sbin/gtlsserver', packages);
  const client = await debianProgram('/usr/bin/gtlsclient', packages);
  const folder = await labFolder('quic');
  const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  if (!existsSync(certificateFile)) {
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650'];
    const to = ['-keyout', keyFile, '-out', certificateFile, '-subj', '/CN=provider'];
    await execa('openssl', ['req', '-x509', ...kind, ...to]);
  }
  return {
    server: server.file,
    client: client.file,
    libraryPath: server.env['LD_LIBRARY_PATH'] ?? '',
    ...{ keyFile, certificateFile },
  };
}
