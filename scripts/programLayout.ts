/** Where the fields of the pacing program's structures lie, read from the BTF in its object file by bpftool. */
import { execaSync } from 'execa';

interface BtfMember {
  name: string;
  bits_offset: number;
}

interface BtfType {
  kind: string;
  name: string;
  size?: number;
  members?: readonly BtfMember[];
}

/** Shared with the code that reads and writes them; the rest is the program's own business. */
const STRUCTURES = [
  'config',
  'state',
  'flow_key',
  'flow',
  'bucket',
  'following',
  'total',
  'answers',
] as const;

/** The text of a module with a constant per structure. Throws an Error where the object file lacks one. */
export function layoutModule(objectFile: string): string {
  const { stdout } = execaSync('bpftool', ['btf', 'dump', 'file', objectFile, '-j']);
  const { types } = JSON.parse(stdout) as { types: readonly BtfType[] };
  const constants = STRUCTURES.map((name) => {
    const found = types.find((type) => type.kind === 'STRUCT' && type.name === name);
    if (found?.members === undefined || found.size === undefined)
      throw new Error(`${objectFile} has no struct ${name}`);
    // Bit fields share a byte: no offset tells where they are.
    const fields = found.members.filter(({ bits_offset: bits }) => bits % 8 === 0);
    const lines = fields.map(({ name: field, bits_offset: bits }) => `    ${field}: ${bits / 8},\n`);
    return `export const ${name.toUpperCase()}_LAYOUT = {
  bytes: ${found.size},
  at: {
${lines.join('')}  },
} as const;
`;
  });
  return `/**
 * The structures of bpf/pacing.o: how many bytes they have, and at which byte each field begins. Little-endian.
 * Made by \`npm run generate\` from the object's BTF.
 */
${constants.join('\n')}`;
}
